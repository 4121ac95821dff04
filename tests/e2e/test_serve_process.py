"""`maskline serve` as a process: what it begins it ends, and nobody beyond this machine is heard without a token."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
from known import STORED, pushed, version_in
from server import Server, server

from components.imaging.files.codecs import encode_png
from components.records.settings import Tiles

TOKEN = "0123456789abcdef"
BEARING = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def served(out: Path) -> Iterator[Server]:
    """A model of small windows, so that a large image takes long; one request may wait."""
    version_in(out / "serving/7", STORED, tiles=Tiles(overlap=4))
    (out / "token").write_text(f"{TOKEN}\n")
    reach = ("--host", "0.0.0.0", "--token-file", out / "token")
    with server(out / "serving", *reach, "--at-once", 1, "--waiting", 1) as started:
        yield started


def image(side: int) -> bytes:
    return encode_png(np.random.default_rng(side).integers(0, 256, (side, side)).astype(np.uint8))


def test_beyond_this_machine_a_token_is_needed(served: Server) -> None:
    assert httpx.post(f"{served.url}/answer", content=image(20)).status_code == 401
    assert httpx.post(f"{served.url}/answer", content=image(20), headers=BEARING).status_code == 200


def test_who_comes_too_many_is_told_so_however_much_is_sent(served: Server) -> None:
    large = image(400) + bytes(5_000_000)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: asked(served, large), range(12)))
    assert {each.status_code for each in answers} == {200, 429}
    for answer in answers:
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) >= 1
    assert asked(served, image(20)).status_code == 200


def test_who_reads_its_log_may_go(served: Server, out: Path) -> None:
    assert served.process.stdout
    served.process.stdout.close()
    for version in ("8", "9"):
        pushed(out / "serving/7", out / "serving", version)
        wait(partial(is_served, served, version))


def test_what_is_begun_is_ended(served: Server) -> None:
    with ThreadPoolExecutor() as threads:
        answers = [threads.submit(asked, served, image(400)) for _ in range(2)]
        wait(lambda: "maskline_inside 2.0" in httpx.get(f"{served.url}/metrics", headers=BEARING).text)
        served.process.send_signal(signal.SIGTERM)
        assert [each.result().status_code for each in answers] == [200] * 2
    assert served.process.wait(30) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


def is_served(served: Server, version: str) -> bool:
    return httpx.get(f"{served.url}/v2/models/maskline", headers=BEARING).json()["versions"] == [version]


def wait(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def asked(served: Server, content: bytes) -> httpx.Response:
    return httpx.post(f"{served.url}/answer", content=content, headers=BEARING, timeout=60)
