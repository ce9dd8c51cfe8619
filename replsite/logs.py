"""Logging for people or for machines, through structlog; secrets never reach a log."""

from __future__ import annotations

import functools
import logging.config
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

MASK = "***"
CHATTERERS = ("celery.app.trace", "celery.beat", "celery.worker.strategy")
OTHER_LAYOUTS = ("django.server", "gunicorn.access", "gunicorn.error")
_SECRET_NAME = re.compile(r"password|passwd|secret|token|authorization|cookie|api_?key", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>(?:password|passwd|secret|token|authorization|api_?key)\w*[\"']?\s*[=:]\s*)(?P<value>[\"'][^\"']*[\"']|[^\s&,;]+)",
    re.IGNORECASE,
)
_PASSWORD_IN_ADDRESS = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE)


def configuration(*, level: str, layout: str) -> dict[str, Any]:
    """Return the logging configuration: everything to standard error, in one layout."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "site": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": _last_steps(layout),
                "foreign_pre_chain": _first_steps(),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "site"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Servers that would write in a layout of their own.
            **{name: {"handlers": [], "propagate": True} for name in OTHER_LAYOUTS},
            # A line for each tick, every second.
            **({} if level == "DEBUG" else {name: {"level": "WARNING"} for name in CHATTERERS}),
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """Set up the standard library's logging and structlog on top of it."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_first_steps(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose names say that they are secret, and secrets inside texts."""
    return {name: MASK if _names_a_secret(name) else masked(value) for name, value in event.items()}


def masked(value: Any) -> Any:
    """Return a value with secrets inside its texts hidden."""
    if isinstance(value, str):
        # Every line of the log comes by here, and hardly one holds an address or gives something a value.
        text = _PASSWORD_IN_ADDRESS.sub(lambda found: f"{found['before']}{MASK}", value) if "://" in value else value
        if "=" not in text and ":" not in text:
            return text
        return _SECRET_IN_TEXT.sub(lambda found: f"{found['name']}{MASK}", text)
    if isinstance(value, dict):
        return {name: MASK if _names_a_secret(str(name)) else masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return value


@functools.lru_cache(maxsize=1000)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _first_steps() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _last_steps(layout: str) -> list[Any]:
    render: Any = structlog.processors.JSONRenderer()
    if layout == "console":
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    # Errors become text before the masking, so that what they say is masked too.
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_secrets,
        render,
    ]
