"""Django's settings for tests: a site in a temporary folder, one for each pytest process.

The database is a SQLite file, so that threads and worker processes can share it, and the broker a
folder; a test run on other components sets REPLSITE_DATABASE_URL and REPLSITE_BROKER_URL.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_FOLDER = "REPLSITE_TEST_FOLDER"
_CHOSEN = ("REPLSITE_DATABASE_URL", "REPLSITE_BROKER_URL")

if _FOLDER not in os.environ:
    # The first process: nothing of a real site may leak into the tests.
    for name in [each for each in os.environ if each.startswith("REPLSITE_") and each not in _CHOSEN]:
        del os.environ[name]
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="replsite-tests-")
    atexit.register(shutil.rmtree, os.environ[_FOLDER], ignore_errors=True)

os.environ["REPLSITE_STATE_DIR"] = str(Path(os.environ[_FOLDER]) / os.environ.get("PYTEST_XDIST_WORKER", "main"))

from replsite.settings import *  # noqa: E402, F403
from replsite.settings import DATABASES, REPLSITE  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(REPLSITE.state_dir / "tests.sqlite3")}

# The real one is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A test client starts the site anew for each request it makes, and would look at all static files each time.
WHITENOISE_AUTOREFRESH = True
