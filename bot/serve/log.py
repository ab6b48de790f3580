"""How the running bot logs: one line an event on standard error, key=value or JSON, secrets taken out."""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.triage.redact import cleared


def _redacted(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: cleared(value) for key, value in event.items()}


class _Bridge(logging.Handler):
    """What parts log by the standard library comes out like everything else."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), part=record.name.removeprefix("buildmedic."))


def _bridge(logger: logging.Logger, level: str) -> None:
    logger.handlers = [_Bridge()]
    logger.propagate = False
    logger.setLevel(level)


def configure(level: str = "INFO") -> Any:
    """Set up once a process; returns the logger. `BUILDMEDIC_LOG=json` for machines, `BUILDMEDIC_DEBUG=1` for all."""
    if os.environ.get("BUILDMEDIC_DEBUG"):
        level = "DEBUG"
    as_json = os.environ.get("BUILDMEDIC_LOG") == "json"
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # a traceback is text before the secrets are taken out
            _redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level, logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _bridge(logging.getLogger("buildmedic"), level)
    for noisy in ("dbos", "apscheduler", "slack_bolt", "slack_sdk", "asyncssh", "httpx"):
        logging.getLogger(noisy).setLevel(logging.DEBUG if level == "DEBUG" else logging.ERROR)
    return structlog.get_logger()
