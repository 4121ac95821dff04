"""`maskline predict`: what is written can be read again, what cannot be read is named, what was ended goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf
from dicom_files import dicom
from known import SIDE, STORED, square, version_in
from PIL import Image, ImageOps
from predicting import content, predict, rows
from room import no_file_above
from told import told_by
from typer.testing import CliRunner

from components.errors import UsageError
from components.imaging.annotations.coco import read_coco
from components.imaging.annotations.dicom_segments import read_seg
from components.imaging.annotations.document import mask_of
from components.imaging.annotations.geojson import read_geojson
from components.imaging.files.codecs import encode_png, read_image
from components.inference.model import load_model
from components.records.settings import Tiles
from components.seen.names import make_salt
from components.task import Task
from components.unpacked import unpacked
from pipeline.cli.app import app
from pipeline.runs.record import Pushed, RunRecord, write_run


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return version_in(tmp_path_factory.mktemp("out") / "serving/7", STORED)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Ten images with a square each."""
    folder = tmp_path / "images"
    for number in range(10):
        path = folder / f"p{number // 5}/case{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(square(20 + number, 30)))
    return folder


def test_files_of_every_kind_come_back_as_masks_at_their_size(version: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.rot90(square(40, 50))).save(given / "phone.jpg", exif=exif, quality=95)
    cv2.imwrite(str(given / "deep.tif"), square(48, 36).astype(np.uint16) * 257)
    (given / "blank.png").write_bytes(encode_png(np.zeros((9, 9), np.uint8)))
    (given / "scan").write_bytes(dicom(square(40, 30)))
    (given / "notes.txt").write_text("no image")
    kinds = "probability,overlay,colour,geojson,coco,lesions"
    result, told = predict(version.parent.parent, given, "--out", tmp_path / "out", "--write", kinds)
    assert (result.exit_code, told["answered"], told["rejects"]) == (0, 4, [])
    assert [Path(each["source"]).name for each in told["not_read"]] == ["notes.txt"]
    out, task = tmp_path / "out", Task(classes=["lesion"])
    coco = {image.file: image for image in read_coco(json.loads((out / "coco.json").read_text()))}
    assert list(coco) == ["blank.png", "deep.tif", "phone.jpg", "scan"]
    found = {Path(row["image"]).name: row for row in rows(out / "predictions.csv")}
    for file, size in {"phone.jpg": (40, 50), "deep.tif": (48, 36), "scan": (40, 30), "blank.png": (9, 9)}.items():
        name = file.split(".")[0]
        mask = read_image(out / f"masks/{name}.png")
        assert (mask.shape, mask.max() <= 1, int(found[file]["pixels lesion"])) == (size, True, mask.sum())
        # 16 bit, at the threshold as it is stored.
        probability = read_image(out / f"probability/{name}.png")
        assert probability.dtype == np.uint16
        np.testing.assert_array_equal(probability / 65535 >= 0.3, mask == 1)
        (drawn,) = read_geojson(json.loads((out / f"geojson/{name}.geojson").read_text()), name)
        np.testing.assert_array_equal(mask_of(replace(drawn, size=size), task, 10000), mask)
        np.testing.assert_array_equal(mask_of(coco[file], task, 10000), mask)
        colours = read_image(out / f"colours/{name}.png")
        np.testing.assert_array_equal(colours.any(axis=-1), mask == 1)
        assert read_image(out / f"overlays/{name}.png").shape == (*size, 3)
    # Where the square is, upright.
    assert read_image(out / "masks/phone.png")[5:9, 40:45].all()
    lesions = rows(out / "lesions.csv")
    assert [(row["image"], row["area_px"]) for row in lesions] == [
        (file, found[file]["pixels lesion"]) for file in ("deep.tif", "phone.jpg", "scan")
    ]
    [feature] = json.loads((out / "geojson/scan.geojson").read_bytes())["features"]
    scan = {"Area px^2": int(lesions[2]["area_px"]), "Mean probability": float(lesions[2]["mean_probability"])}
    assert feature["properties"]["measurements"] == scan
    review = rows(out / "review.csv")
    assert (Path(review[0]["image"]).name, float(review[0]["confidence"])) == ("blank.png", 0)
    assert [float(row["confidence"]) for row in review] == sorted(float(row["confidence"]) for row in review)
    # 2 sum(p m) / (sum p + sum m), of the probability that was kept.
    p, m = read_image(out / "probability/scan.png") / 65535, read_image(out / "masks/scan.png")
    assert float(found["scan"]["confidence"]) == pytest.approx(2 * (p * m).sum() / (p.sum() + m.sum()), abs=1e-3)


def test_without_names(version: Path, images: Path, tmp_path: Path) -> None:
    (images / "cut_off.png").write_bytes(encode_png(square(20, 20))[:60])
    kinds = "probability,overlay,colour,geojson,coco,lesions"
    asked = version, images, "--write", kinds, "--max-rejects", 1
    assert predict(*asked, "--out", tmp_path / "plain")[0].exit_code == 0
    result, told = predict(*asked, "--out", tmp_path / "hidden", "--anonymous")
    assert result.exit_code == 0
    for name in ("case3", "p1/case7", "cut_off", str(images)):
        found = told_by(tmp_path / "plain"), told_by(tmp_path / "hidden")
        assert [name.encode() in each for each in found] == [True, False], name
    names = make_salt(version.parents[1] / "salt")
    id = names("p1/case7.png")
    assert told["names"][id] == str(images / "p1/case7.png")
    for path in ("masks/{}.png", "geojson/{}.geojson"):
        plain, hidden = tmp_path / "plain" / path.format("p1/case7"), tmp_path / "hidden" / path.format(id)
        assert plain.read_bytes() == hidden.read_bytes()
    assert id in {row["image"] for row in rows(tmp_path / "hidden/predictions.csv")}
    assert rows(tmp_path / "hidden/rejects.csv") == [{"image": names("cut_off.png"), "reason": "unreadable"}]
    again, told = predict(*asked, "--out", tmp_path / "hidden", "--anonymous", "--resume")
    assert (again.exit_code, told["of_them_before"]) == (0, 10)
    refused, told = predict(version, images, "--out", tmp_path / "no", "--anonymous", "--write", "dicom-seg")
    assert (refused.exit_code, "dicom-seg" in told["error"]) == (2, True)


def test_colours_are_those_that_are_asked_for(version: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = (version, images / "p0/case1.png", "--write", "colour,overlay", "--out", out)
    told = predict(*asked, "--colours", "green")[1]
    mask = Image.fromarray(read_image(out / "masks/case1.png") * 255)
    # As older systems do.
    np.testing.assert_array_equal(
        read_image(out / "colours/case1.png"), np.asarray(ImageOps.colorize(mask, black="black", white="green"))
    )
    found = np.unique(read_image(out / "overlays/case1.png").reshape(-1, 3), axis=0)
    assert [0, 128, 0] in found.tolist()
    assert told["colours"] == ["#008000"]
    result, told = predict(*asked, "--resume")
    assert result.exit_code == 2
    assert "predict.json: colours: found ['#008000'], now ['#56b4e9']" in told["error"]


def test_a_segmentation_refers_to_dicom_alone(version: Path, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    known = {f"{name}UID": f"1.2.3.{place}" for place, name in enumerate(("StudyInstance", "SeriesInstance"), 1)}
    (tmp_path / "scan.dcm").write_bytes(dicom(square(40, 30), Modality="OT", **known))
    (tmp_path / "photo.png").write_bytes(encode_png(square(40, 30)))
    (tmp_path / "nobody.dcm").write_bytes(dicom(square(40, 30)))
    out = tmp_path / "out"
    paths = [tmp_path / name for name in ("scan.dcm", "photo.png", "nobody.dcm")]
    result, told = predict(version, *paths, "--out", out, "--write", "dicom-seg,lesions", "--spacing", 0.25)
    assert (result.exit_code, told["answered"]) == (2, 1)
    reasons = {Path(each["source"]).name: each["reason"] for each in told["rejects"]}
    assert "no DICOM image" in reasons["photo.png"]
    assert "StudyInstanceUID" in reasons["nobody.dcm"].replace(" ", "")
    seg = read_seg((out / "dicom-seg/scan.dcm").read_bytes(), Task(classes=["lesion"]), 10000)
    np.testing.assert_array_equal(seg, read_image(out / "masks/scan.png"))
    invented = (out / "dicom-seg/scan.txt").read_text()
    assert "Patient" in invented
    assert "Pixel Spacing (0028,0030), 0.25 x 0.25 mm: as it was given" in invented
    [lesion] = rows(out / "lesions.csv")
    assert float(lesion["x_mm"]) == pytest.approx(0.25 * float(lesion["x"]), abs=1e-3)
    assert told["spacing_mm"] == 0.25
    assert not (out / "masks/photo.png").exists()


def test_rejects_are_named_and_limited(version: Path, images: Path, tmp_path: Path) -> None:
    (images / "cut.png").write_bytes(encode_png(square(20, 20))[:60])
    table = images / "some.csv"
    table.write_text("patient;image\n1;p0/case1.png\n2;cut.png\n3;p9/nowhere.png\n")
    result, told = predict(version, table, "--out", tmp_path / "a")
    assert (result.exit_code, told["answered"]) == (2, 1)
    assert [row["image"] for row in rows(tmp_path / "a/rejects.csv")] == [
        str(images / name) for name in ("cut.png", "p9/nowhere.png")
    ]
    assert (tmp_path / "a/masks/p0/case1.png").is_file()
    assert predict(version, table, "--out", tmp_path / "b", "--max-rejects", 2)[0].exit_code == 0
    # None at all is no success, whatever is allowed.
    assert predict(version, images / "cut.png", "--out", tmp_path / "c", "--max-rejects", 2)[0].exit_code == 2


def test_what_cannot_go_well_is_said_before_the_first_image(version: Path, images: Path, tmp_path: Path) -> None:
    (images / "p0/case0.jpg").write_bytes(b"")
    twice = tmp_path / "twice/case5.png"
    twice.parent.mkdir()
    shutil.copy(images / "p1/case5.png", twice)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    for arguments, said in (
        ((images,), f"{images}/p0/case0.jpg and {images}/p0/case0.png"),
        ((images / "p1", twice.parent), f"{images}/p1/case5.png and {twice}"),
        ((images / "nowhere",), "no such file or folder"),
        ((images / "p1", "--out", full), "nothing is overwritten"),
        ((images / "p1", "--out", full, "--resume"), "has no predict.json"),
        ((images / "p1", "--write", "mask,jpeg"), "--write: found 'jpeg', expected coco, colour"),
        ((images / "p1", "--colours", "red,green"), "--colours: found 2 for the class lesion, expected one"),
        ((images / "p1", "--spacing", 0), "--spacing: found 0.0, expected the side of a pixel in mm, above 0"),
        ((images / "p1", "--threshold", 1.5), "threshold: found 1.5, expected less than 1"),
    ):
        result, told = predict(version, "--out", tmp_path / "out", *arguments)
        assert result.exit_code == 2
        assert said in told["error"], told
        assert not (tmp_path / "out").exists()
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


def test_a_zip_is_a_version_and_nothing_else_comes_out_of_it(version: Path, images: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "model"), "zip", version.parent, version.name))
    one = predict(version, images, "--out", tmp_path / "a")[1]
    other = predict(packed, images, "--out", tmp_path / "b")[1]
    assert (one["model"], one["answered"]) == (other["model"], 10)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    with pytest.raises(UsageError, match=r"holds more than 0 MB. Unpack it yourself"), unpacked(packed, most_bytes=9):
        pass
    run = RunRecord(id="1", recipe="folders", status="done", exit_code=0, pushed=Pushed(version="7", path=str(version)))
    (tmp_path / "run").mkdir()
    write_run(tmp_path / "run", run)
    of_run = shutil.make_archive(str(tmp_path / "run"), "zip", tmp_path / "run")
    result, told = predict(of_run, images, "--out", tmp_path / "c")
    assert result.exit_code == 2
    assert told["error"] == (
        f"{of_run}: is of a run, whose model is not in it: it was pushed to {version}. "
        "Give the folder of a version, or a .zip of it"
    )
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("../outside.txt", "x")
    result, told = predict(packed, images, "--out", tmp_path / "c")
    assert result.exit_code == 2
    assert "'../outside.txt' is no path within it" in told["error"]
    assert not (tmp_path / "outside.txt").exists()


def test_it_goes_on_with_what_is_not_whole_and_with_nothing_else(version: Path, images: Path, tmp_path: Path) -> None:
    asked = (version, images, "--write", "coco,lesions,overlay")
    predict(*asked, "--out", tmp_path / "one")
    expected = content(tmp_path / "one")
    out = shutil.copytree(tmp_path / "one", tmp_path / "two")
    # As a kill leaves it: an image without its record, one with half a file, and no table yet.
    (out / "records/p1/case7.json").unlink()
    (out / "masks/p1/case7.png").unlink()
    (out / "records/p0/case3.json").unlink()
    (out / "masks/p0" / f".case3.png.{'0a' * 16}").write_bytes(b"half")
    (out / "coco.json").unlink()
    kept = (out / "masks/p0/case1.png").stat().st_mtime_ns
    result, told = predict(*asked, "--out", out, "--resume")
    assert (result.exit_code, told["answered"], told["of_them_before"]) == (0, 10, 8)
    assert content(out) == expected
    assert (out / "masks/p0/case1.png").stat().st_mtime_ns == kept
    for changes, said in (
        (("--threshold", 0.4), "operating_point"),
        (("--blend", "cut"), "blend"),
        (("--write", "colour"), "write"),
    ):
        result, told = predict(*asked, "--out", out, "--resume", *changes)
        assert result.exit_code == 2
        assert f"predict.json: {said}: found" in told["error"]
    (images / "p0/case2.png").write_bytes(encode_png(square(22, 31)))
    result, told = predict(*asked, "--out", out, "--resume")
    assert result.exit_code == 2
    assert "case2.png is another file, or has changed" in told["error"]
    assert content(out) == expected


def test_a_full_disk_is_named_and_with_room_it_goes_on(version: Path, images: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 90)).astype(np.uint8)
    (images / "p0/noise.png").write_bytes(encode_png(noise))
    asked = (version, images, "--write", "overlay", "--out")
    predict(*asked, tmp_path / "one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=9, total=10**9))
        result, told = predict(*asked, tmp_path / "two")
    assert (result.exit_code, told["status"], (tmp_path / "two").exists()) == (1, "disk full", False)
    with no_file_above(5000):
        result, told = predict(*asked, tmp_path / "two")
    assert (result.exit_code, told["status"]) == (1, "disk full")
    assert "two: File too large" in told["error"]
    assert predict(*asked, tmp_path / "two", "--resume")[1]["of_them_before"] == 5
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(version: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(300):
        (images / f"{number:03d}.png").write_bytes(encode_png(square(200 + number, 300)))
    asked = ["predict", str(version), str(images), "--write", "probability,coco,lesions", "--out"]
    assert CliRunner().invoke(app, [*asked, str(tmp_path / "one")]).exit_code == 0
    out = tmp_path / "two"
    for least in (3, 60):
        process = subprocess.Popen([sys.executable, "-P", "-m", "pipeline.cli", *asked, str(out), "--resume"])
        while sum(1 for _ in (out / "records").glob("*.json")) < least:
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (out / "predictions.csv").exists()
    assert CliRunner().invoke(app, [*asked, str(out), "--resume"]).exit_code == 0
    assert content(out) == content(tmp_path / "one")


def test_mirror_and_temperature_can_be_asked_for_anew(version: Path, tmp_path: Path) -> None:
    """Those that are stored are in the graph; the model's own answers are given beside them."""
    image = square(SIDE, SIDE)
    own = 0.02 + 0.9 * image / 255 * np.linspace(0.5, 1.0, SIDE)
    mirrored = (own + 0.02 + 0.9 * image / 255 * np.linspace(1.0, 0.5, SIDE)) / 2
    root = np.sqrt(mirrored)
    tiled = version_in(tmp_path / "1", STORED, tiles=Tiles(overlap=4))
    for folder in (version, tiled):
        for changes, expected in (
            ({}, root / (root + np.sqrt(1 - mirrored))),
            ({"temperature": 1.0}, mirrored),
            ({"temperature": 1.0, "mirror": False}, own),
        ):
            [found] = load_model(folder, changes).predict(image)
            np.testing.assert_allclose(found.probability[..., 0], expected, atol=5e-5)


def test_a_model_of_before_says_that_it_cannot(version: Path, images: Path, tmp_path: Path) -> None:
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32, name="images")])
    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probability": images}

    old = tmp_path / "old"
    tf.saved_model.save(module, str(old), signatures={"serve_tensor": answer})
    shutil.copytree(version / "assets.extra", old / "assets.extra")
    result, told = predict(old, images, "--out", tmp_path / "a", "--no-mirror")
    assert result.exit_code == 2
    assert "mirror and temperature are in the graph" in told["error"]
    assert predict(old, images, "--out", tmp_path / "b", "--threshold", 0.6, "--mirror")[0].exit_code == 0


def test_an_engine_that_a_model_does_not_offer_is_named_and_auto_goes_without(
    version: Path, images: Path, tmp_path: Path
) -> None:
    result, told = predict(version, images, "--out", tmp_path / "out", "--engine", "onnx")
    assert result.exit_code == 2
    assert "onnx" in told["error"]
    assert not (tmp_path / "out").exists()
    result, told = predict(version, images, "--out", tmp_path / "out", "--engine", "auto")
    assert (result.exit_code, told["engine"], told["answered"]) == (0, "tensorflow", 10)
