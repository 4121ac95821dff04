"""Whether a model was made of an image: copies are known, other images are not, and what cannot be told is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from components.files import write_json
from components.imaging.files.codecs import encode_png, pixel_sha256
from components.imaging.fingerprint import signature
from components.pusher.disclosure import disclose
from components.pusher.settings import Disclosure
from components.seen.known import learnt_by
from components.seen.prints import SIGNATURES_FILE, prints_of, read_prints, write_prints
from components.state import BrokenState
from pipeline.cli.app import app
from pipeline.runs.phantoms.film import draw_film

Film = np.ndarray
SPLITS = ("train", "eval", "test")


def jpeg(film: Film) -> Film:
    return cv2.imdecode(cv2.imencode(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_UNCHANGED)


def gamma(film: Film, power: float) -> Film:
    return (255 * (film / 255) ** power).astype(np.uint8)


TURNED: dict[str, Callable[[Film], Film]] = {
    "flipped": lambda film: film[:, ::-1],
    "turned": np.rot90,
}
CHANGED: dict[str, Callable[[Film], Film]] = {
    "half": lambda film: cv2.resize(film, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "twice": lambda film: cv2.resize(film, None, fx=2, fy=2),
    "jpeg": jpeg,
    "brighter": lambda film: cv2.convertScaleAbs(film, alpha=1.2, beta=10),
    "gamma 0.7": lambda film: gamma(film, 0.7),
    "gamma 1.5": lambda film: gamma(film, 1.5),
    "16 bit": lambda film: film.astype(np.uint16) * 257,
    "flipped, half, jpeg": lambda film: jpeg(cv2.resize(film[::-1], None, fx=0.5, fy=0.5)),
}


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [draw_film(number, 96, 3).pixels for number in range(1, 13)]


@pytest.fixture(scope="module")
def papers(films: list[Film], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the data gate says of nine of the films."""
    folder = tmp_path_factory.mktemp("papers")
    hashes = [pixel_sha256(film).hex() for film in films[:9]]
    rows = [
        {"group": f"woman{place // 2}", "split": SPLITS[place // 3], "source": f"films/{place}.pgm", "sha256": sha256}
        for place, sha256 in enumerate(hashes)
    ]
    write_json(folder / "split_report.json", {"records": rows})
    signatures = {sha256: signature(film) for sha256, film in zip(hashes, films, strict=False)}
    write_prints(folder / SIGNATURES_FILE, prints_of(signatures))
    return folder


def serve(papers: Path, folder: Path, form: str = "coarse", **manifest: Any) -> Path:
    """A version as the pusher makes it, but for the model."""
    folder.mkdir(parents=True)
    for paper in disclose(papers, folder, Disclosure.model_validate({"signatures": form}), folder.parent):
        (folder / paper.name).write_bytes(paper.read_bytes())
    config = {"data": {"layout": "folders", "height": 32, "width": 32}}
    write_json(folder / "MANIFEST.json", {"version": folder.name, "config": config, **manifest})
    return folder


def ask(*arguments: object) -> tuple[Result, dict[str, Any]]:
    result = CliRunner().invoke(app, ["seen", *map(str, arguments), "--json"])
    return result, json.loads(result.stdout)


def written(folder: Path, images: dict[str, Film]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.png" for name in images]
    for path, image in zip(paths, images.values(), strict=True):
        path.write_bytes(encode_png(np.ascontiguousarray(image)))
    return paths


@pytest.mark.parametrize("form", ["full", "coarse"])
def test_copies_are_known_and_other_films_are_not(papers: Path, films: list[Film], tmp_path: Path, form: str) -> None:
    version = serve(papers, tmp_path / "7", form)
    changes = {"itself": lambda film: film, **TURNED, **CHANGED}
    copies = {f"{name} {place}": change(films[place]) for name, change in changes.items() for place in (0, 4, 8)}
    result, found = ask(version, *written(tmp_path / "copies", copies))
    assert "error" not in found, found
    assert result.exit_code == 4
    assert (found["seen"], found["unseen"]) == (len(copies), 0)
    for name, row in zip(copies, found["images"], strict=True):
        place = int(name.split()[-1])
        first = row["matches"][0]
        assert (first["split"], first["source"]) == (SPLITS[place // 3], f"films/{place}.pgm"), name
        kind = name.rsplit(" ", 1)[0]
        flipped = "same pixels, flipped or turned" if kind in TURNED else "near duplicate"
        assert first["by"] == ("same pixels" if kind == "itself" else flipped)
    others = {f"other {place}": films[place] for place in (9, 10, 11)}
    result, found = ask(version, *written(tmp_path / "others", others))
    assert result.exit_code == 0
    assert [row["seen"] for row in found["images"]] == [False] * 3


def test_without_signatures_the_same_pixels_are_known_alone(papers: Path, films: list[Film], tmp_path: Path) -> None:
    version = serve(papers, tmp_path / "7", "none")
    assert not (version / SIGNATURES_FILE).exists()
    images = {"itself": films[0], "rgb": np.stack([films[0]] * 3, axis=-1), "turned": np.rot90(films[1], 3)}
    result, found = ask(version, *written(tmp_path / "images", {**images, "jpeg": jpeg(films[0])}))
    assert result.exit_code == 4
    assert [row["seen"] for row in found["images"]] == [True, True, True, False]
    assert found["by_pixels_alone"]


def test_what_cannot_be_told_is_said(papers: Path, films: list[Film], tmp_path: Path) -> None:
    version = serve(papers, tmp_path / "7")
    (tmp_path / "images").mkdir()
    (tmp_path / "images/broken.png").write_bytes(b"no image")
    flat = np.zeros((96, 96), np.uint8)
    flat[40:50, 40:50] = 200
    written(tmp_path / "images", {"flat": flat})
    result, found = ask(version, tmp_path / "images")
    assert result.exit_code == 2
    broken, plain = found["images"]
    assert broken["seen"] is None
    assert broken["note"]
    assert plain["seen"] is False
    assert plain["note"].startswith("too little detail")
    # What has been seen weighs more.
    assert ask(version, *written(tmp_path, {"itself": films[0]}), tmp_path / "images")[0].exit_code == 4


def test_people_get_a_line_an_image(papers: Path, films: list[Film], tmp_path: Path) -> None:
    version = serve(papers, tmp_path / "7")
    paths = written(tmp_path / "images", {"copy": jpeg(films[4]), "other": films[11]})
    lines = CliRunner().invoke(app, ["seen", str(version), *map(str, paths)]).stdout.splitlines()
    assert lines[0].startswith(f"{paths[0]}: seen in eval: films/4.pgm (near duplicate, similarity 0.9")
    assert lines[1] == f"{paths[1]}: unseen"
    assert lines[2] == f"1 seen, 1 unseen, 0 unreadable: {version}"


@pytest.mark.parametrize("before", ["9", "8", "../9", "x"])
def test_a_version_that_is_said_to_be_before_itself_is_named(papers: Path, tmp_path: Path, before: str) -> None:
    """Of a copy whose papers are damaged nobody goes round and round."""
    serve(papers, tmp_path / "8", warm_starts=1, replaces="9")
    version = serve(papers, tmp_path / "9", warm_starts=1, replaces=before)
    with pytest.raises(BrokenState, match=r"replaces '.*', which is no version before it\. Copy the whole folder"):
        learnt_by(version)


def test_what_the_weights_began_with_counts(papers: Path, films: list[Film], tmp_path: Path) -> None:
    """A warm start knows what the champion before it has learnt, a cold one does not."""
    none = tmp_path / "none"
    none.mkdir()
    write_json(none / "split_report.json", {"records": []})
    write_prints(none / SIGNATURES_FILE, prints_of({}))
    serve(papers, tmp_path / "7")
    warm = serve(none, tmp_path / "8", warm_starts=1, replaces="7")
    cold = serve(none, tmp_path / "9", warm_starts=0, replaces="7")
    orphan = serve(none, tmp_path / "elsewhere/8", warm_starts=1, replaces="7")
    image = written(tmp_path, {"copy": jpeg(films[0])})
    result, found = ask(warm, *image)
    assert (result.exit_code, found["images"][0]["matches"][0]["version"]) == (4, "7")
    assert ask(cold, *image)[0].exit_code == 0
    result, found = ask(orphan, *image)
    assert (result.exit_code, found["not_known"]) == (0, ["7"])


def test_a_model_that_cannot_be_asked_is_named(papers: Path, tmp_path: Path) -> None:
    version = serve(papers, tmp_path / "7")
    (version / SIGNATURES_FILE).write_bytes(b"cut")
    result, found = ask(version, tmp_path)
    assert result.exit_code == 2
    assert f"{version / SIGNATURES_FILE}: cannot be read" in found["error"]
    (version / "split_report.json").unlink()
    assert "has no split_report.json" in ask(version, tmp_path)[1]["error"]
    assert "holds neither MANIFEST.json nor CHAMPION.json" in ask(tmp_path, tmp_path)[1]["error"]


def test_the_coarse_form_is_the_means_of_squares_at_full_range(tmp_path: Path) -> None:
    details = np.zeros((64, 64), np.int8)
    details[:8, :8], details[8:16, :8], details[0, 63] = 100, -50, 64
    prints = prints_of({"ab" * 32: details.tobytes(), "cd" * 32: bytes(4096)}).coarse
    expected = np.zeros((2, 8, 8), np.int8)
    expected[0, 0, 0], expected[0, 1, 0], expected[0, 0, 7] = 127, round(-127 / 2), 1
    np.testing.assert_array_equal(prints.values, expected)
    for name in ("one.npz", "other.npz"):
        write_prints(tmp_path / name, prints)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    again = read_prints(tmp_path / "one.npz", "")
    assert again.hashes == ["ab" * 32, "cd" * 32]
    np.testing.assert_array_equal(again.values, expected)


def test_signatures_of_another_shape_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "signatures.npz", sha256=np.zeros((1, 32), np.uint8), signatures=np.zeros((1, 9, 9), np.int8))
    with pytest.raises(BrokenState, match=r"found signatures of int8 \(1, 9, 9\).*Copy it anew"):
        read_prints(tmp_path / "signatures.npz", "Copy it anew.")
