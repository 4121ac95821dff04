"""Messages to a real HTTP server and a real program; what fails is said without the address."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from schedule_parts import script

from components.errors import UsageError
from pipeline.config.schedule import Notify
from pipeline.schedule import notify
from pipeline.schedule.ledger import SlotRecord
from pipeline.schedule.notify import event_of, notifier

SECRET = "s3cr3t"
SLOT = "2026-01-01T02:00:00+00:00"
PUSHED = SlotRecord(SLOT, "ran", "new data", exit_code=0, status="done", run="r", pushed="7", reasons=("Müller",))


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses it is told, the last for ever; keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.got: list[tuple[str, str, str | None, Any]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/{SECRET}?token={SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.command, self.path, self.headers["Content-Type"], json.loads(body)))
        status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments: Any) -> None:
        """Not on the terminal."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(200) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(out: Path, record: SlotRecord = PUSHED, **settings: Any) -> list[str]:
    return notifier(Notify(**settings), "demo", out, first_wait=0.001)(record)


@pytest.mark.parametrize(
    ("record", "event"),
    [
        (PUSHED, "pushed"),
        (SlotRecord(SLOT, "ran", "", exit_code=0, status="done"), "done"),
        (SlotRecord(SLOT, "ran", "", exit_code=3), "refused"),
        (SlotRecord(SLOT, "ran", "", exit_code=4), "refused"),
        (SlotRecord(SLOT, "ran", "", exit_code=1), "failed"),
        (SlotRecord(SLOT, "ran", "", exit_code=2), "failed"),
        (SlotRecord(SLOT, "ran", "", exit_code=-9), "failed"),
        (SlotRecord(SLOT, "ran", "", exit_code=143, status="timed out"), "failed"),
        (SlotRecord(SLOT, "ran", "", exit_code=143, status="interrupted"), None),
        (SlotRecord(SLOT, "skipped", ""), "skipped"),
        (SlotRecord(SLOT, "missed", ""), "missed"),
    ],
)
def test_event(record: SlotRecord, event: str | None) -> None:
    assert event_of(record) == event


def test_the_webhook_gets_the_line_of_the_ledger(tmp_path: Path, receiver: Receiver) -> None:
    assert send(tmp_path, webhook=SecretStr(receiver.address)) == []
    [(method, path, kind, message)] = receiver.got
    assert (method, path, kind) == ("POST", f"/hooks/{SECRET}?token={SECRET}", "application/json")
    assert message == {
        "event": "pushed",
        "recipe": "demo",
        "out": str(tmp_path),
        "host": socket.gethostname(),
        "slot": SLOT,
        "decision": "ran",
        "reason": "new data",
        "started": None,
        "ended": None,
        "attempt": 0,
        "exit_code": 0,
        "status": "done",
        "reasons": ["Müller"],
        "run": "r",
        "pushed": "7",
        "fingerprint": None,
        "config": None,
        "champion": None,
        "warnings": [],
    }


def test_only_what_is_asked_for_is_sent(tmp_path: Path, receiver: Receiver) -> None:
    address = SecretStr(receiver.address)
    refused = SlotRecord(SLOT, "ran", "", exit_code=3)
    for record in (PUSHED, refused, SlotRecord(SLOT, "skipped", "")):
        assert send(tmp_path, record, webhook=address, on=["refused", "skipped"]) == []
    assert [message["event"] for *_, message in receiver.got] == ["refused", "skipped"]


def test_the_address_may_come_from_the_environment(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", receiver.address)
    assert send(tmp_path, webhook_env="HOOK") == []
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("statuses", "sent", "warning"),
    [
        ([503, 200], 2, None),
        ([429, 500, 204], 3, None),
        ([500], 3, "[schedule.notify] webhook: HTTP 500, 3 times"),
        # What is wrong stays wrong.
        ([404], 1, "[schedule.notify] webhook: HTTP 404"),
        ([302], 1, "[schedule.notify] webhook: HTTP 302"),
    ],
)
def test_a_webhook_that_does_not_take_it(
    tmp_path: Path, receiver: Receiver, statuses: list[int], sent: int, warning: str | None
) -> None:
    receiver.statuses = statuses
    assert send(tmp_path, webhook=SecretStr(receiver.address)) == [*filter(None, [warning])]
    assert len(receiver.got) == sent
    assert {method for method, *_ in receiver.got} == {"POST"}


def test_a_webhook_that_nobody_listens_to_is_a_warning_without_the_address(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/{SECRET}"
    [warning] = send(tmp_path, webhook=SecretStr(address))
    assert warning == "[schedule.notify] webhook: ConnectionError, 3 times"


def test_a_webhook_that_never_answers_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/{SECRET}"
        [warning] = send(tmp_path, webhook=SecretStr(address))
    assert warning == "[schedule.notify] webhook: ReadTimeout, 3 times"


@pytest.mark.parametrize(
    ("head", "warnings"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", []),
        ("HTTP/1.1 200 OK\r\n", ["[schedule.notify] webhook: Timeout, 3 times"]),
    ],
    ids=["the body", "the headers"],
)
def test_a_webhook_that_answers_byte_by_byte_does_not_hold_the_loop_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, warnings: list[str]
) -> None:
    monkeypatch.setattr(notify, "_LONGEST", 0.3)
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(head.encode())
            while not over.wait(0.05):
                connection.sendall(b"x")

    def serve(server: socket.socket) -> None:
        for _ in range(3):
            with suppress(OSError):
                threading.Thread(target=drip, args=(server.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        accepting = threading.Thread(target=serve, args=(server,), daemon=True)
        accepting.start()
        begin = time.monotonic()
        told = send(tmp_path, webhook=SecretStr(f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}"))
    over.set()
    assert told == warnings
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("address", [f"http://[{SECRET}/", f"http:///{SECRET}"])
def test_an_address_that_is_none_is_a_warning_without_it(tmp_path: Path, address: str) -> None:
    [warning] = send(tmp_path, webhook=SecretStr(address))
    assert SECRET not in warning
    assert warning.startswith("[schedule.notify] webhook: ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"webhook": SecretStr(f"ftp://{SECRET}")}, "webhook: expected an address"),
        ({"webhook_env": "HOOK"}, "the environment variable HOOK is not set"),
    ],
)
def test_what_cannot_be_posted_to_is_said_at_the_start(tmp_path: Path, settings: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        notifier(Notify(**settings), "demo", tmp_path)
    assert SECRET not in str(error.value)


def test_the_address_is_in_no_dump_of_the_config() -> None:
    settings = Notify(webhook=SecretStr(SECRET))
    assert "webhook" not in settings.model_dump()
    assert SECRET not in repr(settings)


def test_the_command_gets_the_json_on_standard_input(tmp_path: Path) -> None:
    command = script(tmp_path, f'cat > "{tmp_path}/$1"')
    assert send(tmp_path, command=[*command, "got it"]) == []
    assert json.loads((tmp_path / "got it").read_text())["pushed"] == "7"


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        ("exit 5", "child.sh: exit code 5"),
        ("kill -9 $$", "child.sh: exit code -9"),
        ("sleep 60", "command: still not done after 0.3 s"),
        ("sleep 60 & exit 6", "child.sh: exit code 6"),
    ],
)
def test_a_command_that_fails_is_a_warning(
    tmp_path: Path, lines: str, warning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_SECONDS", 0.3)
    [told] = send(tmp_path, command=script(tmp_path, lines))
    assert told.startswith("[schedule.notify] command: ")
    assert told.endswith(warning)


def test_a_command_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    assert send(tmp_path, command=["/nowhere"]) == ["[schedule.notify] command: /nowhere: No such file or directory"]


def test_a_command_that_fails_does_not_keep_the_webhook_from_being_told(tmp_path: Path, receiver: Receiver) -> None:
    warnings = send(tmp_path, command=["/nowhere"], webhook=SecretStr(receiver.address))
    assert len(warnings) == len(receiver.got) == 1
