"""Tells people, or their programs, what became of a slot. A failure here is a warning, never that of a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from components.errors import ExitCode, MasklineError, UsageError
from pipeline.config.schedule import Event, Notify
from pipeline.schedule.ledger import SlotRecord

_ATTEMPTS = 3
_SECONDS = 30
"""For a command, and for a webhook to take a message and to begin its answer."""
_LONGEST = 60
"""For all of a webhook's attempt."""


class NotificationFailed(MasklineError):
    """A message that did not arrive."""


class _Later(Exception):
    """The receiver cannot be reached, or asks for patience."""


def event_of(record: SlotRecord) -> Event | None:
    """What a slot is to those who are told of it; a run that was told to end is nothing."""
    if record.decision != "ran":
        return record.decision
    if record.status == "interrupted":
        return None
    if record.exit_code == ExitCode.DONE:
        return "pushed" if record.pushed else "done"
    return "refused" if record.exit_code in (ExitCode.REFUSED, ExitCode.DATA_REFUSED) else "failed"


def webhook_address(settings: Notify) -> str:
    """The address of the webhook, empty where there is none.

    Raises:
        UsageError: the environment variable is not set, or it is no address. The address is not named.
    """
    name = settings.webhook_env
    address = os.environ.get(name, "") if name else settings.webhook.get_secret_value()
    if name and not address:
        raise UsageError(f"[schedule.notify] webhook_env: the environment variable {name} is not set")
    if address and not address.startswith(("https://", "http://")):
        raise UsageError(f"[schedule.notify] {name or 'webhook'}: expected an address, https://...")
    return address


def notifier(settings: Notify, recipe: str, out: Path, first_wait: float = 1.0) -> Callable[[SlotRecord], list[str]]:
    """A function that sends a record of the ledger to all who want to know, and returns what went wrong.

    Args:
        first_wait: seconds before a webhook is tried again.

    Raises:
        UsageError: as `webhook_address`.
    """
    address = webhook_address(settings)

    def notify(record: SlotRecord) -> list[str]:
        event = event_of(record)
        if event not in settings.on:
            return []
        message = {"event": event, "recipe": recipe, "out": str(out), "host": socket.gethostname(), **asdict(record)}
        return list(_send(settings.command, address, message, first_wait))

    return notify


def _send(command: list[str], address: str, message: dict[str, Any], first_wait: float) -> Iterator[str]:
    text = json.dumps(message)
    senders = [partial(_tell, command, text)] if command else []
    senders += [partial(_post, address, text, first_wait)] if address else []
    for send in senders:
        try:
            send()
        except NotificationFailed as error:
            yield str(error)


def _tell(command: list[str], text: str) -> None:
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotificationFailed(f"[schedule.notify] command: still not done after {_SECONDS} s") from None
    except OSError as error:
        raise NotificationFailed(f"[schedule.notify] command: {command[0]}: {error.strerror}") from error
    if done.returncode:
        raise NotificationFailed(f"[schedule.notify] command: {command[0]}: exit code {done.returncode}")


def _post(address: str, text: str, first_wait: float) -> None:
    """Posts JSON. Neither the address nor an error of the library, which may hold it, is ever passed on."""
    retrying = Retrying(
        retry=retry_if_exception_type(_Later),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=first_wait),
        reraise=True,
    )
    try:
        retrying(_post_once, address, text)
    except _Later as error:
        raise NotificationFailed(f"[schedule.notify] webhook: {error}, {_ATTEMPTS} times") from None


def _post_once(address: str, text: str) -> None:
    # The import takes longer than the rest of the scheduler's.
    import requests

    answers: SimpleQueue[int | Exception] = SimpleQueue()
    # The library limits each wait, not their sum: a receiver that answers byte by byte is left behind.
    Thread(target=lambda: answers.put(_status(address, text)), daemon=True).start()
    try:
        answer = answers.get(timeout=_LONGEST)
    except Empty:
        raise _Later("Timeout") from None
    if isinstance(answer, (requests.ConnectionError, requests.Timeout)):
        raise _Later(type(answer).__name__)
    if isinstance(answer, Exception):
        raise NotificationFailed(f"[schedule.notify] webhook: {type(answer).__name__}")
    if answer >= 500 or answer == 429:
        raise _Later(f"HTTP {answer}")
    # A redirect would be followed by a GET without the message.
    if not 200 <= answer < 300:
        raise NotificationFailed(f"[schedule.notify] webhook: HTTP {answer}")


def _status(address: str, text: str) -> int | Exception:
    """The status that a message is answered with, or the error instead; what else is answered, nobody reads."""
    import requests

    headers = {"Content-Type": "application/json"}
    try:
        with requests.post(
            address, text.encode(), headers=headers, timeout=_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code
    except Exception as error:
        return error
