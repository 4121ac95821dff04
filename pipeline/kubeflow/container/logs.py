"""Logs of a container: one JSON object per line, and a last word that Kubernetes shows for a failed pod."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from components.errors import MasklineError

TERMINATION_LOG = "/dev/termination-log"
"""Kubernetes makes this file in every container and shows what was written to it; at most 4096 bytes."""

_MOST_BYTES = 4096


class JsonLine(logging.Formatter):
    """A record as one line, whatever line breaks its message has; the keys are those that log collectors know."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Sends every logger of this process, and Python's warnings, to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    # A hundred lines about type hints at every start.
    logging.getLogger("apache_beam").setLevel(logging.WARNING)


def last_word(error: BaseException, code: int) -> str:
    """Type, exit code, what happened and what to do, for people who see nothing else of the step.

    The code is said because Kubeflow's launcher ends with one of its own; first, because what is long is cut.
    """
    advice = "" if isinstance(error, MasklineError) else "\nA crash: the step's log has the traceback."
    return f"{type(error).__name__} (exit code {code}): {error}{advice}"


def leave(message: str, path: Path) -> None:
    """Writes the last word where Kubernetes looks for it, if it does."""
    if path.exists():
        path.write_bytes(message.encode()[:_MOST_BYTES])
