"""The page of `maskline serve` in Chromium, used by its fields and by keys alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from browser import CHROMIUM, Page, page
from known import STORED, square, version_in
from server import Server, server

from components.imaging.files.codecs import encode_png, read_image

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]
TOKEN = "0123456789abcdef"
DONE = "document.getElementById('told').textContent.includes('confidence')"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    serving = version_in(tmp_path_factory.mktemp("out") / "serving/7", STORED).parent
    with server(serving) as started:
        yield started


@pytest.fixture
def opened(served: Server, tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "saved").mkdir()
    with page(downloads=tmp_path / "saved") as found:
        found.open(f"{served.url}/")
        yield found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "film.png").write_bytes(encode_png(square(40, 50)))
    return tmp_path / "film.png"


def told(page: Page) -> str:
    return page.value("document.getElementById('told').textContent")


def saved(folder: Path, name: str, opened: Page) -> Path:
    opened.wait("true")
    for _ in range(200):
        if (folder / name).is_file():
            return folder / name
        opened.value("new Promise((done) => setTimeout(done, 20))")
    raise AssertionError(f"{name} among {[path.name for path in folder.iterdir()]}")


def coloured(opened: Page) -> int:
    """Pixels of the canvas that are not grey."""
    counted = "[...Array(d.length / 4).keys()].filter((i) => d[4 * i] !== d[4 * i + 2]).length"
    canvas = "document.getElementById('picture')"
    data = f"{canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data"
    return opened.value(f"(() => {{ const d = {data}; return {counted}; }})()")


def test_an_image_is_shown_and_what_is_found_is_taken_home(
    served: Server, opened: Page, image: Path, tmp_path: Path
) -> None:
    opened.choose("#file", image)
    opened.wait(DONE)
    expected = httpx.post(f"{served.url}/answer", content=image.read_bytes()).json()
    assert told(opened).startswith("film.png: 50 x 40 pixels, confidence ")
    assert coloured(opened) == expected["classes"][0]["pixels"]
    for save in ("save-mask", "save-geojson"):
        opened.value(f"document.getElementById('{save}').focus()")
        opened.press("Enter", 13, "\r")
    mask = read_image(saved(tmp_path / "saved", "film_mask.png", opened))
    assert mask.sum() == expected["classes"][0]["pixels"]
    assert json.loads(saved(tmp_path / "saved", "film.geojson", opened).read_text()) == json.loads(expected["geojson"])
    assert {address.split("/")[2] for address in opened.asked} == {served.url.split("/")[2]}
    assert opened.complaints == []


def test_the_threshold_is_moved_by_keys(served: Server, opened: Page, image: Path, tmp_path: Path) -> None:
    opened.choose("#file", image)
    opened.wait(DONE)
    before = coloured(opened)
    opened.value("document.getElementById('threshold').focus()")
    for _ in range(20):
        opened.press("ArrowRight", 39)
    # At once, from the probability that the page has.
    preview = coloured(opened)
    assert opened.value("document.getElementById('save-mask').disabled")
    opened.wait("!document.getElementById('save-mask').disabled")
    asked = [address for address in opened.asked if "threshold" in address]
    assert asked == [f"{served.url}/answer?threshold=0.5"]
    expected = httpx.post(f"{served.url}/answer?threshold=0.5", content=image.read_bytes()).json()
    assert coloured(opened) == preview == expected["classes"][0]["pixels"]
    assert 0 < preview < before


def test_all_is_reached_by_tab(opened: Page, image: Path) -> None:
    opened.choose("#file", image)
    opened.wait(DONE)
    opened.value("document.activeElement.blur()")
    reached = []
    for _ in range(5):
        opened.press("Tab", 9)
        reached.append(opened.value("document.activeElement.id"))
    assert reached == ["file", "threshold", "layer", "save-mask", "save-geojson"]
    opened.value("document.getElementById('layer').focus()")
    opened.press(" ", 32, " ")
    assert coloured(opened) == 0


def test_what_cannot_be_read_is_said_and_nothing_of_the_last_image_stays(
    opened: Page, image: Path, tmp_path: Path
) -> None:
    opened.choose("#file", image)
    opened.wait(DONE)
    (tmp_path / "notes.txt").write_text("no image")
    opened.choose("#file", tmp_path / "notes.txt")
    opened.wait("document.getElementById('told').classList.contains('fault')")
    assert told(opened).startswith("notes.txt: the image cannot be read: not a whole image")
    for shown in ("picture", "saves", "classes", "threshold-line"):
        assert opened.value(f"document.getElementById('{shown}').hidden"), shown


def test_a_token_is_asked_for_where_it_is_needed(tmp_path: Path, image: Path) -> None:
    serving = version_in(tmp_path / "serving/7", STORED).parent
    (tmp_path / "token").write_text(TOKEN)
    with server(serving, "--token-file", tmp_path / "token") as guarded, page() as opened:
        opened.open(f"{guarded.url}/")
        opened.choose("#file", image)
        opened.wait("!document.getElementById('token-line').hidden")
        assert told(opened) == "film.png: no token, or another: send Authorization: Bearer TOKEN"
        opened.value("document.getElementById('token').focus()")
        for letter in TOKEN:
            opened.call("Input.insertText", text=letter)
        opened.press("Enter", 13, "\r")
        opened.wait(DONE)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 800)])
def test_nothing_is_cut_at_the_side(served: Server, tmp_path: Path, width: int, height: int) -> None:
    large = cv2.resize(square(60, 90), (1800, 1200), interpolation=cv2.INTER_NEAREST)
    (tmp_path / "a film with a rather long name, as people give them.png").write_bytes(encode_png(large))
    [film] = tmp_path.glob("*.png")
    with page(width, height) as opened:
        opened.open(f"{served.url}/")
        opened.choose("#file", film)
        opened.wait(DONE)
        opened.picture(tmp_path / "page.png")
        assert opened.value("document.documentElement.scrollWidth") <= width
        assert np.ptp(read_image(tmp_path / "page.png")) > 100
