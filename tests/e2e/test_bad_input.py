"""Every mistake gets a message that names the thing and the right exit code, and no traceback unless asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from driver import REPOSITORY, maskline

TINY = [
    part
    for key, value in {
        "data.height": 32,
        "data.width": 32,
        "model.parameters.levels": 3,
        "validation.min_groups": 1,
    }.items()
    for part in ("--set", f"{key}={value}")
]


def disc(row: int, column: int) -> np.ndarray:
    return cv2.circle(np.zeros((40, 48), np.uint8), (column, row), 6, 255, -1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty good pairs; tests add what is wrong."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for number in range(40):
        mask = disc(*rng.integers(8, 32, 2))
        image = (mask // 2 + rng.integers(0, 60, mask.shape)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "data" / "images" / f"case{number:02d}.png"), image)
        cv2.imwrite(str(tmp_path / "data" / "masks" / f"case{number:02d}.png"), mask)
    return tmp_path / "data"


def spoil(folder: Path, fault: str) -> str:
    """Plants a fault in a good folder; returns the name that the message must carry."""
    image, mask = folder / "images" / "case07.png", folder / "masks" / "case07.png"
    if fault == "missing mask":
        mask.unlink()
        return "images/case07.png"
    if fault == "mask without an image":
        image.unlink()
        return "masks/case07.png"
    if fault == "truncated PGM":
        image.unlink()
        (folder / "images" / "case07.pgm").write_bytes(b"P5\n48 40\n255\n" + bytes(100))
        return "images/case07.pgm"
    if fault == "text called PNG":
        image.write_text("this is not an image")
    elif fault == "RGB mask":
        colours = cv2.merge([disc(20, 10), disc(20, 20), disc(20, 30)])
        cv2.imwrite(str(mask), colours)
    elif fault == "sizes differ":
        cv2.imwrite(str(mask), disc(20, 20)[:30])
    return "images/case07.png"


REASONS = {
    "missing mask": ("pairing", "an image without a mask of the same name"),
    "mask without an image": ("pairing", "a mask without an image of the same name"),
    "truncated PGM": ("unreadable", "not a whole PGM or PPM image: cut short, has 100 of 1920 values"),
    "text called PNG": ("unreadable", "not a whole image"),
    "RGB mask": ("unclear mask", "masks/case07.png: the mask has colours"),
    "sizes differ": ("sizes differ", "the image is 48 x 40 pixels, its mask masks/case07.png 48 x 30"),
}


@pytest.mark.parametrize("fault", REASONS)
def test_check_names_the_bad_file(folder: Path, fault: str) -> None:
    name, (kind, reason) = spoil(folder, fault), REASONS[fault]
    result = maskline("check", folder, *TINY)
    assert result.code == 4
    words = " ".join(result.stdout.split())
    rejects = words[words.index("Rejects: sources that cannot be used") :]
    assert f"{kind} 1 {name}: {reason}" in rejects
    assert "Not clean: a run would go on without 1 source that cannot be used." in words
    assert "Traceback" not in result.stdout + result.stderr


def test_run_keeps_the_good_and_names_the_bad(folder: Path, tmp_path: Path) -> None:
    names = {spoil(folder, "text called PNG")}
    (folder / "images" / "case09.png").unlink()
    cv2.imwrite(str(folder / "masks" / "case11.png"), disc(20, 20)[:30])
    names |= {"masks/case09.png", "images/case11.png"}
    arguments = ["run", "folders", "--data", folder, "--json", *TINY, "--to", "DataGate"]

    refused = maskline(*arguments, "--out", tmp_path / "refused")
    assert refused.code == 4
    assert refused.record["reasons"][0].startswith("rejects (3): 3 of 40 sources are unusable")

    passed = maskline(*arguments, "--out", tmp_path / "passed", "--set", "validation.max_reject_fraction=0.1")
    assert passed.code == 0, passed.stdout
    assert passed.record["counts"]["rejects"] == 3
    assert sum(passed.record["counts"]["records"].values()) == 37
    [listing] = (tmp_path / "passed").glob("artifacts/ImageMaskExampleGen/examples/*/account.json")
    assert {reject["source"] for reject in json.loads(listing.read_text())["rejects"]} == names


def lossy(path: Path) -> None:
    """The same mask as a JPEG."""
    cv2.imwrite(str(path.with_suffix(".jpg")), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    path.unlink()


def test_check_of_a_messy_folder_counts_every_kind_and_writes_all_of_it(folder: Path, tmp_path: Path) -> None:
    clean = maskline("check", folder, *TINY, "--out", tmp_path / "clean.json")
    assert clean.code == 0, clean.stdout
    before = json.loads((tmp_path / "clean.json").read_text())
    assert (before["problems"], before["rejects"]) == ([], [])
    assert "Usable: a run would go on with all 40 sources." in " ".join(clean.stdout.split())

    names = {split: [Path(row["source"]).stem for row in before["records"] if row["split"] == split]
             for split in ("train", "eval", "test")}  # fmt: skip
    images, masks = folder / "images", folder / "masks"
    one, twin, turned, alone, text, cut, swapped, jpeg, empty, deep = names["train"][:10]
    # Leaks: the same pixels in another format, and a mirrored JPEG of another film.
    in_test, in_eval = names["test"][0], names["eval"][0]
    (images / f"{in_test}.png").unlink()
    cv2.imwrite(str(images / f"{in_test}.bmp"), cv2.imread(str(images / f"{twin}.png"), cv2.IMREAD_UNCHANGED))
    film = cv2.resize(np.random.default_rng(9).integers(20, 220, (8, 10), np.uint8), (48, 40))
    cv2.imwrite(str(images / f"{turned}.png"), film)
    (images / f"{in_eval}.png").unlink()
    cv2.imwrite(str(images / f"{in_eval}.jpg"), film[:, ::-1])
    # Rejects, one of each kind.
    (masks / f"{alone}.png").unlink()
    (images / f"{text}.png").write_text("this is not an image")
    cv2.imwrite(str(masks / f"{cut}.png"), disc(20, 20)[:30])
    (images / f"{swapped}.png").rename(folder / "kept")
    (masks / f"{swapped}.png").rename(images / f"{swapped}.png")
    (folder / "kept").rename(masks / f"{swapped}.png")
    lossy(masks / f"{jpeg}.png")
    (images / "notes.txt").write_text("no image")
    # Worth a look.
    cv2.imwrite(str(masks / f"{empty}.png"), 0 * disc(20, 20))
    cv2.imwrite(str(images / f"{deep}.png"), cv2.imread(str(images / f"{deep}.png"), -1).astype(np.uint16) * 257)
    (images / ".DS_Store").write_bytes(b"left behind")

    found = maskline("check", folder, *TINY, "--out", tmp_path / "messy.json")
    assert found.code == 4
    report = json.loads((tmp_path / "messy.json").read_text())
    assert {item["kind"]: item["count"] for item in report["problems"]} == {
        **{"identical pixels": 1, "near duplicates": 1, "rejects": 6},
    }
    assert {item["kind"]: item["count"] for item in report["notes"]} == {
        **{"one image per group": 35, "mixed bit depths": 1, "empty masks": 1},
    }
    assert {reject["source"]: reject["kind"] for reject in report["rejects"]} == {
        f"images/{alone}.png": "pairing",
        f"images/{text}.png": "unreadable",
        f"images/{cut}.png": "sizes differ",
        f"images/{swapped}.png": "image and mask swapped",
        f"images/{jpeg}.png": "unclear mask",
        "images/notes.txt": "unknown kind of file",
    }
    assert report["sources"] == 41 == len(report["records"]) + len(report["rejects"])
    pairs = {item["kind"]: item["examples"] for item in report["problems"]}
    [identical], [alike] = pairs["identical pixels"], pairs["near duplicates"]
    assert set(identical.split(" and ")) == {f"images/{twin}.png (train)", f"images/{in_test}.bmp (test)"}
    assert set(alike.rpartition(",")[0].split(" and ")) == {
        *(f"images/{turned}.png (train)", f"images/{in_eval}.jpg (eval)"),
    }
    assert one not in json.dumps([report["problems"], report["rejects"]])

    words = " ".join(found.stdout.split())
    for item in (*report["problems"], *report["notes"]):
        assert f"To do: {item['advice']}" in words
    assert "a run would stop. Mend first: identical pixels, near duplicates, rejects." in words
    assert f"Everything as JSON: {tmp_path / 'messy.json'}".replace(" ", "") in "".join(found.stdout.split())


def test_sixteen_bit_pgm_keeps_its_depth(folder: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    pixels = (np.arange(40 * 48).reshape(40, 48) * 2).astype(">u2")
    (folder / "images" / "case07.png").unlink()
    (folder / "images" / "case07.pgm").write_bytes(b"P5\n48 40\n4095\n" + pixels.tobytes())
    result = maskline(
        "run", "folders", "--data", folder, "--out", tmp_path / "out", "--json", *TINY, "--to", "ImageMaskExampleGen"
    )
    assert result.code == 0, result.stdout
    shards = [str(path) for path in (tmp_path / "out").glob("artifacts/ImageMaskExampleGen/examples/*/Split-*/*")]
    depths = {}
    for serialized in tf.data.TFRecordDataset(shards).as_numpy_iterator():
        feature = tf.train.Example.FromString(serialized).features.feature
        depths[feature["sample/id"].bytes_list.value[0].decode()] = feature["image/bit_depth"].int64_list.value[0]
    assert depths.pop("case07") == 16
    assert set(depths.values()) == {8}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "{tmp}/nowhere"], "{tmp}/nowhere: no such folder"),
        (["--data", "{tmp}/empty"], "{tmp}/empty: has no folder 'images'"),
        (["--data", "{tmp}/hollow"], "{tmp}/hollow: holds no image"),
        ([], "no data: give the folder with the images"),
        (["--data", "{data}", "--out", "/proc/maskline"], "/proc/maskline: the folder cannot be written"),
        (["--data", "{tmp}/a [v2]"], "{tmp}/a [v2]: has one of the characters [ ]"),
        (["--set", "evaluation.min_dise=0.5"], "[evaluation] min_dise: unknown key. Allowed: empty_masks"),
        (["--set", "evaluation.min_dice=high"], "[evaluation] min_dice: found 'high', expected a valid number"),
        (["--set", "training.epochs=0"], "[training] epochs: found 0"),
        (["--set", "data.height=100"], "[data] height = 100 does not fit [model] unet"),
        (["--set", "epochs"], "--set epochs: expected section.key=value"),
        (
            ["--data", "{data}", "--set", "serving.destination=/proc/maskline"],
            "/proc/maskline: the folder cannot be written",
        ),
        (["--from", "Pusher", "--to", "Trainer"], "Trainer comes first, so nothing would run again"),
        (["--data", "{data}", "--out", "{data}/out"], "{data}/out: the output folder lies in the data folder"),
        (["--to", "Nowhere"], "Nowhere: no such node. The nodes are ImageMaskExampleGen"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_usage_errors(folder: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("images", "masks"):
        (tmp_path / "hollow" / name).mkdir(parents=True)
    names = {"tmp": str(tmp_path), "data": str(folder)}
    filled = [argument.format(**names) for argument in arguments]
    default_out = [] if "--out" in filled else ["--out", str(tmp_path / "out")]
    result = maskline("run", "folders", *filled, *default_out)
    assert result.code == 2
    assert message.format(**names) in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("out/runs/*"))


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = maskline("run", "folders", "--data", tmp_path / "nowhere", "--out", tmp_path / "out", "--debug")
    assert result.code == 2
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["run", "nothing"], ["run", "demo", "--set", "a.b=c"], ["models"], ["runs"]],
)
def test_answers_without_tensorflow_and_within_a_second(arguments: list[str]) -> None:
    script = (
        "import sys, time; begin = time.process_time(); sys.argv = ['maskline', *sys.argv[1:]]\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'keras'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "print(time.process_time() - begin, file=sys.__stderr__)"
    )

    def seconds() -> float:
        process = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=REPOSITORY, check=False
        )
        assert process.returncode == 0, process.stderr
        return float(process.stderr.splitlines()[-1])

    # Beside other processes one of them is at times charged twice what it takes alone.
    assert min(seconds() for _ in range(3)) < 1


def test_json_errors_are_json(tmp_path: Path) -> None:
    result = maskline("run", "demo", "--json", "--out", tmp_path, "--set", "x.y=1")
    assert result.code == 2
    assert result.record["exit_code"] == 2
    assert "[x]: unknown key" in result.record["error"]
