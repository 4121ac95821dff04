"""Where a server listens, and whom it hears there; nothing is loaded before that is known."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import UsageError
from pipeline.cli.app import app
from pipeline.serve.reach import address, listening, token_in

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.9.10"])
def test_this_machine_needs_no_token(host: str) -> None:
    with listening(host, 0, None) as bound:
        assert address(bound).startswith("http://127.")


def test_beyond_it_a_token_is_needed() -> None:
    with pytest.raises(
        UsageError, match=r"could ask\. Give --token-file FILE, with a secret of 16 characters at least"
    ):
        listening("0.0.0.0", 0, None)
    with listening("0.0.0.0", 0, TOKEN) as bound:
        assert bound.getsockname()[1] > 0


def test_a_place_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--host '127.0.0.1' --port {port}: Address already in use. Give others"):
            listening("127.0.0.1", port, None)


def test_two_servers_do_not_share_a_place() -> None:
    with listening("127.0.0.1", 0, None) as first:
        port = first.getsockname()[1]
        with pytest.raises(UsageError, match="Address already in use"):
            listening("127.0.0.1", port, None)


def test_a_place_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"--host 'nowhere\.invalid' --port 80: "):
        listening("nowhere.invalid", 80, TOKEN)


def test_a_token_is_what_the_file_holds(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert token_in(tmp_path / "token") == TOKEN


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("short", "has 5 characters, expected a secret of 16 characters at least"),
        ("with a space in the middle of it", "without spaces"),
        ("é" * 20, "cannot be read"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_what_is_no_token_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(UsageError, match=said):
        token_in(tmp_path / "token")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "{x}", "é"])
def test_a_name_is_what_stands_in_a_path(name: str) -> None:
    result = CliRunner().invoke(app, ["serve", "nowhere", "--name", name])
    assert result.exit_code == 2
    assert f"--name: found {name!r}, expected letters, digits, and . _ -" in result.stderr
