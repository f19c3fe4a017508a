"""Logs: one JSON object to a line, to stderr."""

import logging
import sys
from typing import Any

import structlog

from homeostat.access import without_passwords

__all__ = ["configure_logs"]

#: Libraries that tell every step at INFO.
CHATTY = ("alembic", "httpcore", "httpx", "mlflow")


def configure_logs(level: str) -> None:
    """Send what we and the libraries log to stderr, from this level on.

    Parameters
    ----------
    level
        Such as "INFO".
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(), _without_passwords],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
                _without_passwords,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _without_passwords(_: object, __: str, line: Any) -> Any:
    """The last look at a line: what a library says may hold the URL that it was given."""
    return without_passwords(line)
