"""The web server's settings: `gunicorn --config python:replsite.gunicorn replsite.wsgi`."""

from __future__ import annotations

# Gunicorn takes every name here that is one of its settings; `config` and `logger` are.
from typing import Any

from replsite import config as site_config, garbage, logs

_site = site_config.load()

bind = _site.bind
worker_class = "gthread"
workers = 2
threads = 8
timeout = 60
graceful_timeout = 20
control_socket_disable = True
# The most that Gunicorn can take: filters may name many ids. What is longer it refuses by itself, with 414.
limit_request_line = 8190
# Gunicorn's own default keeps its workers' signs of life in files on a disk, which can stall.
worker_tmp_dir = "/dev/shm"  # noqa: S108  the file has no name
logconfig_dict = logs.configuration(level=_site.log_level, layout=_site.log_format)
accesslog = "-"
# The path without its query: that may hold a token.
access_log_format = "%(m)s %(U)s %(s)s %(b)s bytes %(M)s ms"


def post_worker_init(worker: Any) -> None:
    """Set up a process in which everything is loaded."""
    garbage.settle()
