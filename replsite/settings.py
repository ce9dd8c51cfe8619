"""Django's settings, all derived from the site's settings in `replsite.config`."""

from __future__ import annotations

import os
import urllib.parse

from replsite import config, console, databases, logs, schedule, secretfiles

REPLSITE = config.load()
BASE_DIR = config.CHECKOUT
REPLSITE.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
# Drivers know no Django; those that keep files of their own look here.
os.environ["REPLSITE_STATE_DIR"] = str(REPLSITE.state_dir)

SECRET_KEY = REPLSITE.secret_key.get_secret_value() or secretfiles.kept_key(REPLSITE.state_dir / "secret-key")
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in REPLSITE.secret_key_fallbacks]
DEBUG = REPLSITE.debug

_public = urllib.parse.urlsplit(REPLSITE.public_url)
ALLOWED_HOSTS = [*REPLSITE.allowed_hosts, *([_public.hostname] if _public.hostname else [])]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.hostname else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_celery_results",
    # What the page that shows the API is made of; served from here.
    "drf_spectacular_sidecar",
    "groups",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "replsite.urls"
WSGI_APPLICATION = "replsite.wsgi.application"
# The API's paths have no trailing slash, and a redirect would turn a client's POST into a GET.
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [console.TEMPLATES, BASE_DIR / "groups" / "api" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": console.TAGS,
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": databases.configuration(REPLSITE.database_address, lease_seconds=REPLSITE.lease_seconds)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["groups.admin.login.SlowedDown"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
DATETIME_FORMAT = "Y-m-d H:i:s e"

STATIC_URL = "static/"
STATICFILES_DIRS = [console.STATIC]
# Served straight from the installed apps: nothing to collect before the site starts.
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "groups.api.openapi.Described",
}
SPECTACULAR_SETTINGS = {"OAS_VERSION": "3.1.0"}
UNFOLD = console.UNFOLD
LOGIN_REDIRECT_URL = "admin:index"

LOGGING_CONFIG = "replsite.logs.configure"
LOGGING = logs.configuration(level=REPLSITE.log_level, layout=REPLSITE.log_format)

# A message is a wake-up call that may be lost or come twice: the operation's row is the truth.
CELERY_BROKER_URL = REPLSITE.broker_address
CELERY_BROKER_TRANSPORT_OPTIONS = schedule.transport_options(REPLSITE.broker_address)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# For ever: by default a worker ends itself when its broker is away for an hour.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_QUEUES = schedule.queues()
CELERY_TASK_DEFAULT_QUEUE = schedule.MAINTENANCE
# Nothing is decided from results: only what failed is kept, for Celery's page of the console.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = True
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = REPLSITE.worker_concurrency
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = schedule.ticks(REPLSITE)
CELERY_BEAT_SCHEDULER = schedule.SCHEDULER
