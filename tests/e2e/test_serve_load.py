"""`maskline serve` under load, fifty clients for two minutes, and its OpenAPI description taken at its word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from known import STORED, square, version_in
from server import Server, server

from components.imaging.files.codecs import encode_png

pytestmark = pytest.mark.slow
CLIENTS, SECONDS = 50, int(os.environ.get("MASKLINE_LOAD_SECONDS", "120"))
PREDICT = "/v1/models/maskline:predict"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return version_in(tmp_path_factory.mktemp("out") / "serving/7", STORED).parent


@pytest.fixture(scope="module")
def served(serving: Path) -> Iterator[Server]:
    with server(serving) as started:
        yield started


@pytest.fixture(scope="module")
def requests() -> dict[str, bytes]:
    """Bodies of images of several sizes, by names."""
    images = {f"{side}": encode_png(square(side, side + 9)) for side in (20, 64, 200, 333)}
    return {
        name: json.dumps({"instances": [{"b64": b64encode(file).decode()}]}).encode() for name, file in images.items()
    }


def asked_by_many(url: str, bodies: list[bytes], seconds: float, seen: Callable[[int, httpx.Response], None]) -> None:
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        with httpx.Client(timeout=120) as connection:
            turn = number
            while time.monotonic() < until:
                which = turn % len(bodies)
                answer = connection.post(f"{url}{PREDICT}", content=bodies[which])
                seen(which, answer)
                if answer.status_code != 200:
                    # As it is told, but for the sake of the load sooner.
                    time.sleep(int(answer.headers["retry-after"]) / 10)
                turn += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(client, number) for number in range(CLIENTS)]:
            done.result()


def resident(served: Server) -> float:
    """MiB."""
    lines = httpx.get(f"{served.url}/metrics").text
    found = re.search(r"^process_resident_memory_bytes (\S+)$", lines, re.MULTILINE)
    assert found
    return float(found[1]) / 2**20


def test_fifty_clients_are_answered_or_told_to_come_later(served: Server, requests: dict[str, bytes]) -> None:
    alone = [httpx.post(f"{served.url}{PREDICT}", content=body).content for body in requests.values()]
    states: Counter[int] = Counter()

    def seen(which: int, answer: httpx.Response) -> None:
        states[answer.status_code] += 1
        assert answer.status_code in (200, 429, 503)
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) >= 1
        assert answer.status_code != 200 or answer.content == alone[which]

    asked_by_many(served.url, list(requests.values()), SECONDS / 4, seen)
    before = resident(served)
    asked_by_many(served.url, list(requests.values()), SECONDS, seen)
    after = resident(served)
    print(f"{dict(states)}; {before:.0f} MiB after {SECONDS / 4:g} s, {after:.0f} MiB after {SECONDS * 1.25:g} s")
    assert states[200] > CLIENTS
    assert after < before * 1.05


def test_what_its_description_says_is_so(serving: Path, tmp_path: Path) -> None:
    # Not every string is an image.
    options = (
        "--checks",
        "all",
        "--exclude-checks",
        "positive_data_acceptance",
        "--max-examples",
        "200",
        "--seed",
        "1",
    )
    with server(serving) as served:
        command = [Path(sys.executable).with_name("schemathesis"), "run", f"{served.url}/openapi.json", *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=500)
        assert done.returncode == 0, done.stdout[-5000:]
        assert served.process.poll() is None
    print(done.stdout[-1500:])
