"""`maskline compare`: cases paired by hand, what differs, and the files made of small runs on disk."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import EMPTY, FALSE, case, classed, patients, settings
from told import told_by
from typer.testing import CliRunner

from components.errors import UsageError
from components.evaluator.answers import keep, prediction_name
from components.evaluator.core import metrics
from components.evaluator.per_case import Case, write_cases
from components.files import read_json, write_json, write_text
from components.measures.all import MEASURES
from components.measures.interval import interval
from components.records.record import Record
from components.records.tfexample import serialize, shard_name, shard_writer
from components.seen.names import make_salt
from pipeline.cli.app import app
from pipeline.runs.compare.core import (
    Sight,
    chosen_cases,
    compared,
    differences,
    known_differences,
    refuse_other_rules,
    shared_cases,
    verdict,
)
from pipeline.runs.folders import find_run
from pipeline.runs.record import Pushed, RunRecord, write_run

DICE = MEASURES["dice"]
HOSTILE = "<script>alert(1)</script>"


def cases_of(dice: Mapping[str, float]) -> list[Case]:
    return [case(value, id=id, group=f"group {id}") for id, value in dice.items()]


def sights_of(cases: Iterable[Case], **other: Sight) -> dict[str, Sight]:
    return {each.id: other.get(each.id, Sight(each.id.encode(), b"truth")) for each in cases}


class TestPairing:
    A = cases_of({"a": 0.5, "b": 0.7, "c": 0.9, "mine": 0.1})
    B = cases_of({"c": 0.9, "b": 0.6, "a": 0.8})

    def test_a_change_by_hand(self) -> None:
        shared = shared_cases([self.A, self.B], [sights_of(self.A), sights_of(self.B)])
        assert [[each.id for each in own] for own in shared.cases] == [["a", "b", "c"]] * 2
        assert (shared.left_out, shared.other_pixels) == ([1, 0], [])
        rows = compared(shared.cases, "AB", {"dice": DICE}, ["foreground"])["means"]["dice"]
        assert rows["A"]["mean"] == pytest.approx((0.5 + 0.7 + 0.9) / 3)  # without the case of its own
        change = rows["B"]["change"]
        assert change["mean"] == pytest.approx((0.3 - 0.1 + 0) / 3)
        assert (change["n"], change["ci95"], change["verdict"]) == (3, None, None)
        assert "change" not in rows["A"]

    def test_a_paired_interval_is_that_of_the_differences(self) -> None:
        first = patients(np.linspace(0.1, 0.5, 120))
        second = patients(np.linspace(0.1, 0.5, 120) + 0.3)
        rows = compared([first, second], "AB", {"dice": DICE}, ["foreground"])["means"]["dice"]
        expected = interval(np.full((1, 120), 0.3), [each.group for each in first], (-1.0, 1.0))
        assert rows["B"]["change"]["ci95"] == pytest.approx(expected)
        assert rows["B"]["change"]["verdict"] == "better"

    def test_the_same_id_of_other_pixels_is_another_case(self) -> None:
        shared = shared_cases([self.A, self.B], [sights_of(self.A), sights_of(self.B, b=Sight(b"other", b"truth"))])
        assert [each.id for each in shared.cases[0]] == ["a", "c"]
        assert (shared.left_out, shared.other_pixels) == ([2, 1], ["b"])

    def test_what_cannot_be_compared_is_said(self) -> None:
        others = cases_of({"x": 0.5})
        with pytest.raises(UsageError, match=r"share no case, .* they have 4 and 1 cases"):
            shared_cases([self.A, others], [sights_of(self.A), sights_of(others)])
        changed = sights_of(self.B, a=Sight(b"a", b"another truth"))
        with pytest.raises(UsageError, match=r"the truth differs in 1 of 3 shared cases \(a\)"):
            shared_cases([self.A, self.B], [sights_of(self.A), changed])

    @pytest.mark.parametrize(
        ("key", "values", "said"),
        [
            ("classes", [{"lesion": {}}, {"lesion": {}, "breast": {}}], "A: lesion; B: lesion, breast"),
            ("surface_tolerance", ["2 px", "1 px"], "surface_tolerance differs .A: 2 px; B: 1 px"),
        ],
    )
    def test_other_classes_and_rules_are_refused(self, key: str, values: list[Any], said: str) -> None:
        rules = {"classes": {"lesion": {}}, "empty_masks": "skip", "surface_tolerance": "2 px"}
        with pytest.raises(UsageError, match=said):
            refuse_other_rules("AB", [{**rules, key: value} for value in values])
        refuse_other_rules("AB", [rules, rules])


def test_each_class_has_its_change() -> None:
    runs = [[classed({"breast": breast, "lesion": lesion}, id="a")] for breast, lesion in ((0.5, 0.25), (0.75, 0.125))]
    found = compared(runs, "AB", {"dice": DICE}, ["breast", "lesion"])
    assert found["means"]["dice"]["B"]["change"]["mean"] == pytest.approx((0.25 - 0.125) / 2)
    changes = {name: means["dice"]["B"]["change"]["mean"] for name, means in found["classes"].items()}
    assert changes == {"breast": 0.25, "lesion": -0.125}


@pytest.mark.parametrize(
    ("ends", "name", "said"),
    [
        ((0.1, 0.2), "dice", "better"),
        ((0.1, 0.2), "hd95", "worse"),
        ((-0.2, -0.1), "hd95", "better"),
        ((-0.1, 0.2), "dice", "not told apart"),
        ((0.0, 0.2), "dice", "not told apart"),
        (None, "dice", None),
    ],
)
def test_a_verdict_needs_an_interval_beside_0(ends: Any, name: str, said: str | None) -> None:
    assert verdict(ends, MEASURES[name]) == said


def test_configs_by_the_keys_that_differ() -> None:
    one = {"training": {"seed": 1, "epochs": 5}, "folds": None, "data": {"classes": ["a"]}}
    two = {"training": {"seed": 2, "epochs": 5}, "folds": {"k": 5}, "data": {"classes": ["a"]}}
    three = {"training": {"seed": 1}, "folds": None, "data": {"classes": ["a", "b"]}}
    assert differences([one, two, three]) == {
        "training.seed": [1, 2, 1],
        "training.epochs": [5, 5, None],
        "data.classes": [["a"], ["a"], ["a", "b"]],
        "folds.k": [None, 5, None],
    }
    assert known_differences([one, two, three]).keys() == {"training.seed", "data.classes"}


def test_the_cases_that_are_shown() -> None:
    first = cases_of({"a": 0.9, "b": 0.5, "c": 0.125, "d": 0.75, "e": 0.8})
    second = cases_of({"a": 0.9, "b": 0.625, "c": 0.25, "d": 0.0, "e": 0.8})
    alarms = [case(float("nan"), counts=counts, id="empty") for counts in (FALSE, EMPTY)]
    runs = [[*first, alarms[0]], [*second, alarms[1]]]
    assert [(title, runs[0][place].id) for title, place in chosen_cases(runs, DICE)] == [
        ("runs disagree most", "d"),
        ("runs disagree most, median", "b"),  # as far as of c, by the smaller id
        ("worst of all runs", "c"),
        ("best of all runs", "a"),
        ("nothing there, yet predicted", "empty"),
    ]


class Runs:
    """Runs of tiny images on disk, with all that `compare` reads of them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self,
        name: str,
        dice: Mapping[str, float],
        classes: tuple[str, ...] = (),
        row: int = 8,
        fold: Mapping[str, float] | None = None,
        **config: Any,
    ) -> Path:
        """The output folder of a run with these test cases, and those of a fold; their truth is a square from a row."""
        out = self.root / name
        folders = {role: out / "artifacts" / "Node" / role / "1" for role in ("examples", "training", "evaluation")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        self._write_account(folders["examples"])
        self._write_split(folders["examples"], "test", dice, row)
        found = self._write_evaluation(folders["evaluation"], dice, classes)
        if fold:
            folders["out_of_fold"] = out / "artifacts" / "Node" / "out_of_fold" / "1"
            folders["out_of_fold"].mkdir(parents=True)
            self._write_split(folders["examples"], "fold-1", fold, row)
            self._write_evaluation(folders["out_of_fold"], fold, classes, "fold-1")
        self._write_training(folders["training"], bool(fold))
        run = out / "runs" / "20260101-000000"
        run.mkdir(parents=True)
        record = RunRecord(id=run.name, recipe="tiny", status="done", seed=0, config={"training": config})
        record.folds = {"table": [], "pooled": found} if fold else None
        record.metrics, record.artifacts = {"test": found}, {role: str(path) for role, path in folders.items()}
        record.pushed = Pushed(version="7", path=str(out / "gone"))
        write_run(run, record)
        return out

    def _write_split(self, folder: Path, split: str, ids: Iterable[str], row: int) -> None:
        with shard_writer(str(folder), split, shard_name(0, 1)) as shard:
            for id in ids:
                image, mask = np.full((32, 32), 90, np.uint8), np.zeros((32, 32), np.uint8)
                mask[row : row + 8, 8:16] = 1
                digest = hashlib.sha256(id.encode()).digest()
                shard.write(serialize(Record(image, mask, id, f"group {id}", id, digest, {})))

    def _write_account(self, folder: Path) -> None:
        account = {"data_fingerprint": folder.parts[-5], "sources": 3, "records": {}, "rejects": [], "left_out": []}
        account |= {"without_records": [], "empty_tiles_dropped": 0, "lossy_masks": None}
        write_json(folder / "account.json", {**account, "lesions_lost": {}, "truth": {}, "turns": {}})

    def _write_training(self, folder: Path, folds: bool) -> None:
        history = folder / "fold-1" / "history.csv" if folds else folder / "history.csv"
        history.parent.mkdir(exist_ok=True)
        write_text(history, "epoch,dice,learning_rate,loss,val_dice,val_loss\n0,.1,.1,.9,.2,.8\n")
        best = {"folds": [{"fold": 1, "best_epoch": 1}]} if folds else {"best_epoch": 1}
        run = {"seconds": 2.5, "parameters": 9, "devices": ["CPU:0"], "warnings": [], **best}
        write_json(folder / "training.json", run)

    def _write_evaluation(
        self, folder: Path, dice: Mapping[str, float], classes: tuple[str, ...], fold: str = ""
    ) -> dict[str, Any]:
        cases = []
        for index, (id, value) in enumerate(dice.items()):
            keep(folder / prediction_name(index), np.zeros((32, 32), np.uint8))
            scores = dict.fromkeys(classes or ("foreground",), value)
            cases.append(classed(scores, id=id, group=f"group {id}", source=id))
        found = metrics(cases, None, None, settings(*classes), decisions=3)
        write_json(folder / "metrics.json", found)
        write_cases(folder / "per_case.csv", _predicted(cases, fold))
        return found


def _predicted(cases: Iterable[Case], fold: str) -> Iterator[Case]:
    for index, found in enumerate(cases):
        yield replace(found, prediction=prediction_name(index), fold=fold)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def compare(*arguments: object, columns: int = 80) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)], env={"COLUMNS": str(columns)})


def test_three_runs_are_compared(runs: Runs, tmp_path: Path) -> None:
    one = runs.add("one", {"a": 0.5, "b": 0.7, HOSTILE: 0.25}, seed=1)
    two = runs.add("two", {"b": 0.6, "a": 0.8, "more": 0.5, HOSTILE: 0.25}, seed=2)
    three = runs.add("three", {"a": 0.5, "b": 0.7, HOSTILE: 0.75}, seed=1)
    out = tmp_path / "comparison"
    shown = compare(
        one, two / "runs" / "20260101-000000", three / "runs" / "20260101-000000" / "run.json", "--out", out
    )
    assert shown.exit_code == 0, shown.output
    *lines, last = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert last == f"Comparison: {out}/comparison.html"
    told = read_json(out / "comparison.json")
    means = told["test"]["means"]["dice"]
    assert [means[letter]["mean"] for letter in "ABC"] == pytest.approx([1.45 / 3, 1.65 / 3, 1.95 / 3])
    assert means["B"]["change"]["mean"] == pytest.approx(0.2 / 3)
    assert means["C"]["change"]["mean"] == pytest.approx(0.5 / 3)
    assert [(row["run"], row["cases"], row["not_shared"], row["decisions"]) for row in told["runs"]] == [
        *(("A", 3, 0, 3), ("B", 4, 1, 3), ("C", 3, 0, 3)),
    ]
    assert told["config"] == {"training.seed": [1, 2, 1]}
    assert told["recorded"] == {"data_fingerprint": ["one", "two", "three"]}
    assert "A 3 times, B 3 times, C 3 times" in told["notes"][0]
    page = (out / "comparison.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert page.count('src="data:image/png;base64,') == page.count("src=")
    assert not re.search(r"https?://", page)
    # Image and three predictions of each of three cases, and two curves.
    assert page.count("<img ") == 3 * 4 + 2


def test_without_names(runs: Runs, tmp_path: Path) -> None:
    dice = {"meier-anna": 0.5, "SCHULZ_7": 0.75, "8": 0.25}
    one = runs.add("one", dice, input="/data/KLINIK-A")
    two = runs.add("two", dict.fromkeys(dice, 0.5), input="/data/KLINIK-B")
    telling = ["meier-anna", "SCHULZ_7", "KLINIK-", "one 20260101", str(tmp_path)]
    for out, *option in (("plain",), ("hidden", "--anonymous")):
        assert compare(one, two, "--out", tmp_path / out, *option).exit_code == 0
        told = told_by(tmp_path / out)
        assert [name.encode() in told for name in telling] == [not option] * 5
    plain, hidden = (read_json(tmp_path / out / "comparison.json") for out in ("plain", "hidden"))
    assert hidden["test"] == plain["test"]
    id = make_salt(one / "salt")("meier-anna")
    page = (tmp_path / "hidden/comparison.html").read_text()
    assert f"Image of case {id}" in page
    assert 'Image of case 8"' not in page


def test_an_output_is_never_overwritten(runs: Runs, tmp_path: Path) -> None:
    one, two = (runs.add(name, {"a": 0.5}) for name in ("one", "two"))
    (tmp_path / "mine").mkdir()
    refused = compare(one, two, "--out", tmp_path / "mine", columns=400)
    assert (refused.exit_code, list((tmp_path / "mine").iterdir())) == (2, [])
    assert "exists, and nothing is overwritten" in refused.output


def test_what_is_wrong_with_the_runs_is_said(runs: Runs, tmp_path: Path) -> None:
    one, moved = (runs.add(name, {"a": 0.5}) for name in ("one", "two"))
    failed = tmp_path / "failed" / "runs" / "1"
    failed.mkdir(parents=True)
    write_run(failed, RunRecord(id="1", recipe="tiny", status="failed", reasons=["out of memory"]))
    wrong = {
        "has no evaluation, so there is nothing to compare. Its status is 'failed': out of memory": failed,
        "no run of this name": tmp_path / "nowhere",
        "given twice": one / "runs" / "20260101-000000",
        "different classes": runs.add("classes", {"a": 0.5}, ("breast", "lesion")),
        "the truth differs in 1 of 1": runs.add("truth", {"a": 0.5}, row=9),
        "share no case": runs.add("cases", {"x": 0.5}),
    }
    for message, other in wrong.items():
        refused = compare(one, other, "--out", tmp_path / "out", "--json")
        assert (refused.exit_code, message in json.loads(refused.stdout)["error"]) == (2, True), refused.stdout
    assert compare(one, "--out", tmp_path / "out").exit_code == 2
    shard = moved / "artifacts/Node/examples/1/Split-test" / shard_name(0, 1)
    shard.write_bytes(shard.read_bytes()[:-9])
    refused = compare(one, moved, "--out", tmp_path / "out", "--json")
    assert (refused.exit_code, "examples/1: cannot be read" in json.loads(refused.stdout)["error"]) == (2, True)
    assert not (tmp_path / "out").exists()


def test_folds_are_compared_where_all_have_them(runs: Runs, tmp_path: Path) -> None:
    one = runs.add("one", {"a": 0.5}, fold={"x": 0.5, "y": 0.25})
    two = runs.add("two", {"a": 0.5}, fold={"y": 0.75, "x": 0.5})
    three = runs.add("three", {"a": 0.5})
    assert compare(one, two, "--out", tmp_path / "both").exit_code == 0
    told = read_json(tmp_path / "both" / "comparison.json")
    assert told["out_of_fold"]["means"]["dice"]["B"]["change"]["mean"] == pytest.approx(0.5 / 2)
    assert "Out of fold" in (tmp_path / "both" / "comparison.html").read_text()
    assert "Out of fold not compared: without folds: B" in compare(one, three, "--out", tmp_path / "one fold").stdout


def test_runs_are_found_where_their_output_folder_was_moved_to(runs: Runs, tmp_path: Path) -> None:
    one, two = (runs.add(name, {"a": 0.5}) for name in ("one", "two"))
    one.rename(tmp_path / "moved")
    assert compare(tmp_path / "moved", two, "--out", tmp_path / "out").exit_code == 0


def test_the_last_run_of_an_output_folder(tmp_path: Path) -> None:
    for name in ("20260101-000000", "20260102-000000"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        write_run(tmp_path / "runs" / name, RunRecord(id=name, recipe="tiny", status="done"))
    assert find_run(str(tmp_path)).id == "20260102-000000"
    assert find_run(str(tmp_path / "runs" / "20260101-000000" / "run.json")).id == "20260101-000000"


def test_neither_tensorflow_nor_tfx_is_needed_to_refuse() -> None:
    program = (
        "import sys, pipeline.runs.compare.comparison\n"
        "print([name for name in ('tfx', 'tensorflow', 'ml_metadata') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
