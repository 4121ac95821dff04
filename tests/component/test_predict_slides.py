"""`maskline predict` on slides: as if memory held them, whatever ended it before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image
from predicting import content, predict, rows
from slide_files import tissue, write_slide
from typer.testing import CliRunner

from components.files import write_json
from components.imaging.annotations.document import mask_of
from components.imaging.annotations.geojson import read_geojson
from components.imaging.files.codecs import Limits, encode_png, read_image
from components.imaging.slides.opened import is_slide
from components.inference.operating_point import OperatingPoint
from components.predictions import slides
from components.predictions.slides import MOST_WHOLE
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.task import Task
from pipeline.cli.app import app
from pipeline.runs.predict import Options
from pipeline.runs.predict import predict as run

pytest.importorskip("openslide")
SIDE, HEIGHT, WIDTH = 64, 600, 700
KINDS = "probability,overlay,colour,geojson,coco,lesions"


class Contrast(tf.Module):
    """Of several classes, what differs from the mean of its surroundings and of the whole image, by the place."""

    def __init__(self, classes: int) -> None:
        self._classes = classes

    def __call__(self, inputs: Any, training: bool = False) -> tf.Tensor:
        images, moments = inputs if isinstance(inputs, tuple) else (inputs, tf.constant([[0.5, 0.2]]))
        standard = (images - moments[:, None, None, :1]) / moments[:, None, None, 1:]
        differs = standard - 0.5 * tf.nn.avg_pool2d(standard, 9, 1, "SAME")
        differs *= tf.linspace(0.5, 1.0, SIDE)[:, None]
        if self._classes == 1:
            return tf.sigmoid(differs[..., :1] * 4)
        return tf.nn.softmax(tf.concat([differs[..., :1] * 0, differs[..., :2]], -1) * 4)


def version_in(
    folder: Path, classes: int = 1, point: OperatingPoint | None = None, channels: int = 3, **derived: Any
) -> Path:
    point = point or OperatingPoint(threshold=0.4)
    tiles = {"tiles": Tiles(overlap=16), **derived}
    derivation = Derivation(height=SIDE, width=SIDE, channels=channels, **tiles)
    task = Task(classes=["lesion", "vessel"][:classes])
    export_model(Contrast(classes), folder, task, point, derivation)
    (folder / "assets.extra").mkdir()
    config = {"derivation": derivation.model_dump(), "task": task.model_dump(), "operating_point": point.model_dump()}
    write_json(folder / "assets.extra/training.json", {"config": config})
    write_json(folder / "MANIFEST.json", {"version": folder.name})
    return folder


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return version_in(tmp_path_factory.mktemp("one") / "7")


@pytest.mark.parametrize("blend", ["mean", "gaussian", "cut"])
def test_a_slide_is_answered_as_the_same_image_in_memory(version: Path, tmp_path: Path, blend: str) -> None:
    pixels = tissue(HEIGHT, WIDTH)
    slide = write_slide(tmp_path / "slide.tif", pixels)
    (tmp_path / "image.png").write_bytes(encode_png(pixels))
    asked = (version, slide, tmp_path / "image.png", "--write", KINDS, "--blend", blend, "--least-region", 20)
    result, told = predict(*asked, "--out", tmp_path / "out")
    assert (result.exit_code, told["rejects"]) == (0, [])
    out = tmp_path / "out"
    mask = read_image(out / "masks/slide.png")
    assert 0.1 < mask.mean() < 0.9
    one, other = (read_image(out / f"probability/{name}.png").astype(int) for name in ("slide", "image"))
    assert np.abs(one - other).max() <= 1
    np.testing.assert_array_equal(mask, read_image(out / "masks/image.png"))
    for folder in ("overlays", "colours"):
        np.testing.assert_array_equal(read_image(out / folder / "slide.png"), read_image(out / folder / "image.png"))
    (outlined,) = read_geojson(json.loads((out / "geojson/slide.geojson").read_text()), "slide")
    drawn = mask_of(replace(outlined, size=(HEIGHT, WIDTH)), Task(classes=["lesion"]), HEIGHT * WIDTH)
    np.testing.assert_array_equal(drawn, mask)
    first, second = ({k: v for k, v in row.items() if k not in ("image", "output")} for row in rows(out / "review.csv"))
    assert first == second
    lesions = rows(out / "lesions.csv")
    half = len(lesions) // 2
    for image, found in zip(lesions[:half], lesions[half:], strict=True):
        assert (image["image"], found["image"]) == ("image.png", "slide.tif")
        assert float(image["mean_probability"]) == pytest.approx(float(found["mean_probability"]), abs=1e-4)
        # Half a micrometre.
        assert float(found["x_mm"]) == pytest.approx(float(found["x"]) * 0.0005, abs=1e-3)
    assert not (out / "unfinished").exists()


@pytest.mark.parametrize(
    ("classes", "channels", "pixels", "derived"),
    [
        (2, 3, tissue(HEIGHT, WIDTH), {"tiles": Tiles(overlap=7, edge="pad")}),
        (1, 1, tissue(150, 40, 1, np.uint16), {"adjust": {"gamma": 0.7, "invert": True}}),
    ],
)
def test_several_classes_deep_and_gray_ones_too(
    tmp_path: Path, classes: int, channels: int, pixels: np.ndarray, derived: dict[str, Any]
) -> None:
    folder = version_in(tmp_path / "7", classes, channels=channels, **derived)
    (tmp_path / "in/b").mkdir(parents=True)
    write_slide(tmp_path / "in/b/slide.tif", pixels)
    (tmp_path / "in/b/image.png").write_bytes(encode_png(pixels))
    out = tmp_path / "out"
    assert predict(folder, tmp_path / "in", "--write", "probability", "--out", out)[0].exit_code == 0
    np.testing.assert_array_equal(read_image(out / "masks/b/slide.png"), read_image(out / "masks/b/image.png"))
    for name in ("lesion/", "vessel/") if classes > 1 else ("",):
        one, other = (read_image(out / f"probability/{name}b/{each}.png").astype(int) for each in ("slide", "image"))
        assert np.abs(one - other).max() <= 1
    image, slide = rows(out / "predictions.csv")
    assert float(image["confidence"]) == pytest.approx(float(slide["confidence"]), abs=1e-4)


def test_above_4096_pixels_all_images_become_pyramids(version: Path, tmp_path: Path) -> None:
    pixels = tissue(4200, 80)
    slide = write_slide(tmp_path / "slide.tif", pixels)
    (tmp_path / "image.png").write_bytes(encode_png(pixels))
    out = tmp_path / "out"
    assert (
        predict(version, slide, tmp_path / "image.png", "--write", "probability,overlay", "--out", out)[0].exit_code
        == 0
    )
    assert [Path(row["output"]).name for row in rows(out / "predictions.csv")] == ["image.ome.tif", "slide.ome.tif"]
    with tifffile.TiffFile(out / "masks/slide.ome.tif") as one, tifffile.TiffFile(out / "masks/image.ome.tif") as other:
        np.testing.assert_array_equal(one.asarray(), other.asarray())
        assert len(one.series[0].levels) == 5
        assert 'PhysicalSizeX="0.5"' in str(one.ome_metadata)
    probability = tifffile.imread(out / "probability/slide.ome.tif")
    told = np.abs(probability / 65535 - 0.4) > 1e-5
    mask = tifffile.imread(out / "masks/slide.ome.tif")
    np.testing.assert_array_equal((probability / 65535 >= 0.4)[told], mask[told] == 1)
    assert read_image(out / "overlays/slide.png").shape == (2100, 40, 3)
    np.testing.assert_array_equal(read_image(out / "overlays/slide.png"), read_image(out / "overlays/image.png"))


def test_ended_within_a_slide_it_goes_on_there_with_the_same_files(version: Path, tmp_path: Path) -> None:
    slide = write_slide(tmp_path / "slide.tif", tissue(1700, 200))
    asked = ([slide], Options(kinds=("probability", "overlay")), True)
    seen: list[int] = []

    def ending(items: Iterable[Any], count: int) -> Iterator[Any]:
        for number, item in enumerate(items):
            seen.append(count)
            if count > 2 and number == 2:
                raise KeyboardInterrupt
            yield item

    def going(items: Iterable[Any], count: int) -> Iterable[Any]:
        return items

    run(version, asked[0], tmp_path / "one", *asked[1:], going)
    with pytest.raises(KeyboardInterrupt):
        run(version, asked[0], tmp_path / "two", *asked[1:], ending)
    assert not (tmp_path / "two/masks").exists()
    seen.clear()
    run(version, asked[0], tmp_path / "two", *asked[1:], ending)
    assert set(seen) == {2}  # of four bands
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_large_png_and_jpeg_files_are_answered_by_rows_as_in_memory(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyvips")
    given = tmp_path / "given"
    given.mkdir()
    for name, pixels in {
        "a.png": tissue(HEIGHT, WIDTH),
        "b.jpg": tissue(80, 6000, 1),
        "c.jpg": tissue(600, 700),
    }.items():
        Image.fromarray(pixels).save(given / name)
    asked = (version, given, "--write", "probability", "--max-rejects", 1, "--out")
    assert predict(*asked, tmp_path / "one")[1]["rejects"] == []
    (given / "c.jpg").write_bytes((given / "c.jpg").read_bytes()[:4000])
    monkeypatch.setattr(is_slide, "__defaults__", (HEIGHT * WIDTH - 1,))
    result, told = predict(*asked, tmp_path / "two")
    assert (result.exit_code, told["answered"]) == (0, 2)
    assert told["rejects"][0]["reason"].startswith("is damaged or cut short near row")
    for name in ("a.png", "b.ome.tif"):
        one, two = (tifffile_or_png(tmp_path / out / "probability" / name) for out in ("one", "two"))
        assert np.abs(one.astype(int) - two).max() <= 1
        one, two = (tifffile_or_png(tmp_path / out / "masks" / name) for out in ("one", "two"))
        np.testing.assert_array_equal(one, two)
    whole = version_in(tmp_path / "whole/7", tiles=None)
    monkeypatch.setattr("components.predictions.answered.LIMITS", Limits(HEIGHT * WIDTH - 1))
    told = predict(whole, given / "a.png", "--out", tmp_path / "three")[1]
    assert told["rejects"][0]["reason"].startswith("has 700 x 600 pixels, more than the 419999 that are held in memory")


def tifffile_or_png(path: Path) -> np.ndarray:
    return read_image(path) if path.suffix == ".png" else tifffile.imread(path)


def test_what_is_kept_of_another_image_is_refused(version: Path, tmp_path: Path) -> None:
    slide = write_slide(tmp_path / "slide.tif", tissue(HEIGHT, WIDTH))
    out = tmp_path / "out"
    assert predict(version, slide, "--out", out)[0].exit_code == 0
    (out / "records/slide.json").unlink()
    kept = out / "unfinished/slide.parts/look.json"
    kept.parent.mkdir(parents=True)
    write_json(kept, {"source": {"path": str(slide), "bytes": 1, "modified_ns": 2}, "moments": [0.5, 0.1]})
    result, told = predict(version, slide, "--out", out, "--resume")
    assert result.exit_code == 2
    assert "slide.tif is another file, or has changed" in told["error"]


def test_what_cannot_be_streamed_says_its_limit(version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slide = write_slide(tmp_path / "slide.tif", tissue(HEIGHT, WIDTH))
    whole = version_in(tmp_path / "whole/7", tiles=None, fit="letterbox")
    # In memory a slide is an image like others.
    assert predict(whole, slide, "--out", tmp_path / "a")[0].exit_code == 0
    monkeypatch.setattr("components.predictions.answered.LIMITS", Limits(HEIGHT * WIDTH - 1))
    result, told = predict(whole, slide, "--out", tmp_path / "w")
    assert (result.exit_code, told["rejects"][0]["reason"]) == (
        2,
        "has 700 x 600 pixels, more than the 419999 that are held in memory, and the model sees the whole image at "
        'once (fit = "letterbox")',
    )
    monkeypatch.setattr(slides, "MOST_WHOLE", HEIGHT * WIDTH - 1)
    assert MOST_WHOLE == 400_000_000
    for options, said in (
        (("--write", "geojson,lesions"), "leave out --write geojson and --write lesions"),
        (("--largest",), "post-processing"),
        (("--write", "dicom-seg"), "no DICOM image"),
    ):
        result, told = predict(version, slide, *options, "--out", tmp_path / options[-1])
        assert (result.exit_code, said in told["rejects"][0]["reason"]) == (2, True), told
        assert not (tmp_path / options[-1] / "masks").exists()
    assert predict(version, slide, "--out", tmp_path / "b")[0].exit_code == 0


def test_a_damaged_slide_is_a_reject_and_leaves_nothing(version: Path, tmp_path: Path) -> None:
    slide = write_slide(tmp_path / "slide.tif", tissue(HEIGHT, WIDTH))
    with tifffile.TiffFile(slide) as file:
        offset = file.pages.first.dataoffsets[-1]
    damaged = bytearray(slide.read_bytes())
    damaged[offset : offset + 20] = bytes(20)
    slide.write_bytes(damaged)
    shutil.copy(write_slide(tmp_path / "good.tif", tissue(HEIGHT, WIDTH)), tmp_path / "also.svs")
    result, told = predict(version, slide, tmp_path / "also.svs", "--out", tmp_path / "out", "--max-rejects", 1)
    assert (result.exit_code, told["answered"]) == (0, 1)
    assert "damaged near row 576, column 640" in told["rejects"][0]["reason"]
    assert not list((tmp_path / "out").rglob("*slide*"))


def test_files_that_cannot_be_opened_are_rejects_beside_those_that_can(version: Path, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(encode_png(tissue(80, 90)))
    (tmp_path / "folder.svs").mkdir()
    locked = write_slide(tmp_path / "locked.svs", tissue(80, 90))
    locked.chmod(0)
    names = ["gone.svs", "good.png", "folder.svs", "nul\0.svs", "zero\0.tif"]
    if os.geteuid():  # Whom no lock keeps out.
        names.append("locked.svs")
    (tmp_path / "table.csv").write_text("".join(f"{name}\n" for name in ["image", *names]))
    result, told = predict(version, tmp_path / "table.csv", "--out", tmp_path / "out", "--max-rejects", 5)
    assert (result.exit_code, told["answered"]) == (0, 1), told
    reasons = {Path(reject["source"]).name: reject["reason"] for reject in told["rejects"]}
    assert reasons.keys() == {*names} - {"good.png"}
    assert "cannot be read: [Errno 2] No such file or directory" in reasons["gone.svs"]
    # Of a model that must see images whole, too.
    whole = version_in(tmp_path / "whole/7", tiles=None)
    assert predict(whole, tmp_path / "table.csv", "--out", tmp_path / "b", "--max-rejects", 5)[0].exit_code == 0


@pytest.mark.slow
def test_killed_within_a_slide_it_ends_as_if_it_had_not_been(version: Path, tmp_path: Path) -> None:
    slide = write_slide(tmp_path / "slide.tif", tissue(6000, 2000))
    asked = ["predict", str(version), str(slide), "--write", "probability,overlay", "--out"]
    assert CliRunner().invoke(app, [*asked, str(tmp_path / "one")]).exit_code == 0
    out = tmp_path / "two"
    for least in (1, 6, 9):
        process = subprocess.Popen([sys.executable, "-P", "-m", "pipeline.cli", *asked, str(out), "--resume"])
        while sum(1 for _ in (out / "unfinished/slide.parts").glob("mask.*")) < least:
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (out / "masks").exists()
    assert CliRunner().invoke(app, [*asked, str(out), "--resume"]).exit_code == 0
    assert content(out) == content(tmp_path / "one")
