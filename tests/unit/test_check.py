"""`maskline check` on real folders, clean and with planted faults, and how it prints what it finds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from gate_entries import ACCOUNT, CLEAN, DATA, SETTINGS, entry
from raw_images import pgm, png, write

from components.data_gate.core import Champion, split_report
from components.errors import UsageError
from components.files import write_json
from components.records.split_settings import Splits
from components.records.splits import Member, assign_splits
from pipeline.cli.check_tables import print_check
from pipeline.config.loader import load_config
from pipeline.runs.check import check_folder

SIZE = ["data.height=32", "data.width=32"]
CASES = 40
NAMES = [f"p{number}" for number in range(CASES)]
SPLIT_OF = dict(zip(NAMES, assign_splits([Member(name) for name in NAMES], Splits()), strict=True))


def name_in(split: str, nth: int = 0) -> str:
    """A case whose group falls into a split."""
    return [name for name in NAMES if SPLIT_OF[name] == split][nth]


def film(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random image with a bright square, and the mask of the square."""
    mask = np.zeros((64, 80), np.uint8)
    row, column = rng.integers(4, 40, 2)
    mask[row : row + 16, column : column + 16] = 255
    tissue = cv2.resize(rng.uniform(20, 160, (12, 15)).astype(np.float32), mask.shape[::-1])
    return (tissue + mask / 4 + rng.uniform(0, 8, mask.shape)).astype(np.uint8), mask


def put(folder: Path, name: str, image: np.ndarray, mask: np.ndarray) -> None:
    write(folder / "images" / f"{name}.png", png(image))
    write(folder / "masks" / f"{name}.png", png(mask))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty patients with one image each."""
    rng = np.random.default_rng(0)
    for number in range(CASES):
        put(tmp_path / "data", f"p{number}", *film(rng))
    return tmp_path / "data"


def check(folder: Path, *overrides: str, serving: Path | None = None) -> dict[str, Any]:
    return check_folder(folder, None, [*SIZE, *overrides], serving)


def problems(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(problem["kind"], problem["count"]) for problem in report["problems"]]


def test_a_clean_folder(folder: Path) -> None:
    report = check(folder)
    assert report["problems"] == report["rejects"] == []
    assert report["sources"] == len(report["records"]) == CASES
    assert {record["group"]: record["split"] for record in report["records"]} == SPLIT_OF
    assert all(counts["records"] == counts["with_foreground"] for counts in report["splits"].values())


def test_the_same_film_of_two_patients_in_two_splits(folder: Path) -> None:
    """Also in another file format and under another name."""
    train, test = name_in("train"), name_in("test")
    pixels, _ = film(np.random.default_rng(1))
    (folder / "images" / f"{test}.png").unlink()
    write(folder / "images" / f"{test}.pgm", pgm(pixels))
    write(folder / "images" / f"{train}.png", png(pixels))
    report = check(folder)
    assert problems(report) == [("identical pixels", 1)]
    [example] = report["problems"][0]["examples"]
    assert f"images/{train}.png (train)" in example
    assert f"images/{test}.pgm (test)" in example


def test_a_flipped_copy_in_another_split(folder: Path) -> None:
    image, mask = film(np.random.default_rng(1))
    put(folder, name_in("train"), image, mask)
    put(folder, name_in("test"), image[:, ::-1], mask[:, ::-1])
    report = check(folder)
    assert problems(report) == [("near duplicates", 1)]
    [example] = report["problems"][0]["examples"]
    assert f"images/{name_in('train')}.png (train)" in example
    assert f"images/{name_in('test')}.png (test)" in example


def test_the_same_film_twice_in_one_split_is_told_but_no_leak(folder: Path) -> None:
    one, other = name_in("train"), name_in("train", 1)
    for part in ("images", "masks"):
        shutil.copy(folder / part / f"{one}.png", folder / part / f"{other}.png")
    report = check(folder)
    assert report["problems"] == []
    [note] = [note for note in report["notes"] if note["kind"] == "identical pixels within a split"]
    assert set(note["examples"][0].split(" and ")) == {f"images/{one}.png (train)", f"images/{other}.png (train)"}


def test_a_patient_in_two_of_the_given_splits(folder: Path, tmp_path: Path) -> None:
    """The layout is told from the folder."""
    rng = np.random.default_rng(2)
    for split in ("train", "valid", "test"):
        for number in range(4):
            put(tmp_path / "given" / split, f"{split}{number}", *film(rng))
    put(tmp_path / "given" / "test", "train2", *film(rng))
    report = check(tmp_path / "given")
    assert problems(report) == [("group overlap", 1)]
    [example] = report["problems"][0]["examples"]
    assert "train/images/train2.png (train)" in example
    assert "test/images/train2.png (test)" in example


def test_every_source_is_accounted_for(folder: Path) -> None:
    (folder / "masks" / "p1.png").unlink()
    (folder / "images" / "p2.png").unlink()
    (folder / "images" / "p3.png").write_text("text")
    image, mask = (folder / part / "p4.png" for part in ("images", "masks"))
    image.rename(folder / "kept")
    mask.rename(image)
    (folder / "kept").rename(mask)
    report = check(folder)
    assert report["sources"] == len(report["records"]) + len(report["rejects"]) == CASES
    kinds = {reject["source"]: reject["kind"] for reject in report["rejects"]}
    assert kinds == {
        "images/p1.png": "pairing",
        "masks/p2.png": "pairing",
        "images/p3.png": "unreadable",
        "images/p4.png": "image and mask swapped",
    }
    assert ("rejects", 4) in problems(report)


def test_a_folder_with_a_truth_table_is_read_as_mias(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(1, 81):
        write(tmp_path / f"mdb{number:03d}.pgm", pgm(rng.integers(0, 256, (64, 64), np.uint8)))
        rows.append(f"mdb{number:03d} G CIRC B 480 640 144\r\n")
    write(tmp_path / "Info.txt", "".join(rows).encode())
    report = check_folder(tmp_path, None, ["data.height=64", "data.width=64", "validation.min_groups=1"])
    assert report["problems"] == []
    assert len(report["records"]) == 80
    assert len({record["group"] for record in report["records"]}) == 40


def test_a_folder_with_a_manifest_is_read_by_it(folder: Path) -> None:
    rows = [f"images/p{n}.png,masks/p{n}.png,woman{n // 2}" for n in range(CASES - 2)]
    write(folder / "manifest.csv", "\n".join(["image,mask,group", *rows]).encode())
    report = check(folder)
    assert len(report["records"]) == CASES - 2
    assert {record["group"] for record in report["records"]} == {f"woman{n}" for n in range(CASES // 2 - 1)}


def test_empty_tiles_that_are_dropped_are_counted(folder: Path) -> None:
    report = check(folder, "data.tiles.keep_empty=0.0")
    per_image = sum(record["source"] == f"images/{name_in('eval')}.png" for record in report["records"])
    [note] = [note for note in report["notes"] if note["kind"] == "empty tiles dropped"]
    assert per_image > 1
    assert note["count"] == CASES * per_image - len(report["records"])


def test_another_exposure_than_the_champions(folder: Path, tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    with pytest.raises(UsageError, match="serving: has no champion to compare with"):
        check(folder, serving=serving)
    (serving / "7").mkdir(parents=True)
    write_json(serving / "7" / "MANIFEST.json", {"config": load_config("folders", SIZE).model_dump()})
    write_json(serving / "7" / "split_report.json", check(folder))
    write_json(serving / "CHAMPION.json", {"version": "7"})
    assert check(folder, serving=serving)["problems"] == []
    for path in (folder / "images").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED) // 2)
    assert problems(check(folder, serving=serving)) == [("drift", 2)]
    assert problems(check(folder, "validation.max_drift=1.0", serving=serving)) == []


@pytest.mark.parametrize("recipe", [None, "folders", "mias"])
def test_a_missing_folder(tmp_path: Path, recipe: str | None) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        check_folder(tmp_path / "nowhere", recipe, [])


def messy() -> dict[str, Any]:
    """Hundreds of torn groups and rejects, with names that look like markup."""
    torn = [
        entry(n, split, id=f"{n}{split}", group=f"g{n}", source=f"images/[bold]{n}-{split}{'-long' * 12}.png")
        for n in range(300)
        for split in ("train", "test")
    ]
    rejects = [
        {"source": f"images/[red]{n}.png", "kind": ("pairing", "unreadable")[n % 2], "reason": f"fault {n}"}
        for n in range(400)
    ]
    account = {**ACCOUNT, "sources": 1000, "rejects": rejects}
    champion = Champion("7", [{"group": str(n), "mean": 0.9} for n in range(50)], DATA.model_dump())
    return split_report(
        [*CLEAN, *torn, entry(999, "eval", bit_depth=16)], account, {}, SETTINGS, lambda *_: [], DATA, champion
    )


@pytest.mark.parametrize("width", [80, 120])
def test_hundreds_of_problems_stay_readable(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_check(messy())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 120
    text = " ".join(" ".join(lines).split())
    assert "STOPS group" in text
    assert "[bold]0-train" in text
    assert "and 298 more" in text
    assert "images/[red]0.png: fault 0 and 199 alike: images/[red]2.png, images/[red]4.png, ..." in text
    assert "400 of 1000 sources are unusable" in text
    assert "Not usable as it is: a run would stop. Mend first: group overlap, " in text


def test_every_finding_has_its_advice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    report = messy()
    print_check(report)
    text = capsys.readouterr().out
    findings = [*report["problems"], *report["notes"]]
    assert {item["stops"] for item in findings} == {True, False}
    for item in findings:
        assert f"To do: {item['advice']}" in text
    assert (text.count("STOPS "), text.count("note ")) == (len(report["problems"]), len(report["notes"]))


@pytest.mark.parametrize(
    ("account", "verdict"),
    [
        ({}, "Usable: a run would go on with all 12 sources."),
        (
            {"sources": 100, "rejects": [{"source": "a", "kind": "b", "reason": "c"}]},
            "Not clean: a run would go on without 1 source that cannot be used.",
        ),
        (
            {"left_out": [{"source": "span-1/a.png", "kind": "span", "reason": "older"}]},
            "Usable: a run would go on with all 11 sources. Read the notes first.",
        ),
        ({"empty_tiles_dropped": 3}, "Usable: a run would go on with all 12 sources. Read the notes first."),
    ],
)
def test_the_verdict_in_words(account: dict[str, Any], verdict: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_check(split_report(CLEAN, {**ACCOUNT, **account}, {}, SETTINGS, lambda *_: [], DATA), Path("report.json"))
    *_, said, where = capsys.readouterr().out.splitlines()
    assert said.rstrip() == verdict
    assert where == "Everything as JSON: report.json"
