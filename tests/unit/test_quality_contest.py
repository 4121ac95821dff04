"""The contest of benchmarks/quality: its folds, its budget, its file, and its table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.__main__ import main
from benchmarks.quality.contest.contestant import Outcome, Pace
from benchmarks.quality.contest.paces import keep, steps_of
from benchmarks.quality.contest.problem import Problem, folder_of, problem_of
from benchmarks.quality.contest.results import Key, Row
from benchmarks.quality.contest.runner import contest
from benchmarks.quality.contest.summary import contest_table
from benchmarks.quality.experiments import DATA_SETS
from benchmarks.quality.prepared import split_samples
from benchmarks.quality.rows import read_rows
from components.errors import UsageError
from components.example_gen.samples import MaskFiles, Sample


def test_each_group_is_measured_in_one_fold_and_never_learnt_there() -> None:
    names = [f"{number}{view}" for number in range(21) for view in "ab"]
    samples = [Sample(name, name[:-1], f"{name}.png", MaskFiles((f"{name}.png",))) for name in names]
    folds = {fold: split_samples(samples, DATA_SETS["inbreast-mini"], f"fold-{fold}") for fold in range(1, 6)}
    groups = {
        fold: {
            name: {sample.group for sample in dealt if sample.split == name}
            for name in ("train", "eval", f"fold-{fold}")
        }
        for fold, dealt in folds.items()
    }
    assert Counter(group for fold, of in groups.items() for group in of[f"fold-{fold}"]) == Counter(map(str, range(21)))
    for fold, of in groups.items():
        assert sum(map(len, of.values())) == len(set().union(*of.values())) == 21
        assert of["eval"] == groups[fold % 5 + 1][f"fold-{fold % 5 + 1}"]


def test_phantoms_are_drawn_and_split_by_woman() -> None:
    with folder_of("phantoms-multiclass") as root:
        problem = problem_of(root, "test")
        assert [len(part) for part in (problem.train, problem.validation, problem.measured)] == [72, 24, 24]
        women = [{source.sample.group for source in part} for part in (problem.train, problem.measured)]
        assert len(women[1]) == 12
        assert not women[0] & women[1]
        assert set(np.unique([problem.truth(source) for source in problem.train])) == {0, 1, 2, 3}
        assert problem.pixels(problem.train[0]).shape == (256, 256)


def test_a_budget_becomes_steps(tmp_path: Path) -> None:
    """Five minutes of two cores are 600 s of the processor: at 7 s a step, 85 steps."""
    paces = tmp_path / "paces.json"
    with pytest.raises(UsageError, match=r"no pace of nnunet on phantoms, out-of-fold\. Measure it by the verb pace"):
        steps_of(5, "phantoms", "fold-2", "nnunet", paces)
    keep(Pace(99.0), "phantoms", "fold-1", "nnunet", paces)
    keep(Pace(1.0), "phantoms", "fold-1", "ours", paces)
    keep(Pace(2.0), "phantoms", "test", "nnunet", paces)
    keep(Pace(7.0, {"batch": 4}), "phantoms", "fold-1", "nnunet", paces)
    assert steps_of(5, "phantoms", "fold-2", "nnunet", paces) == 85
    assert steps_of(5, "phantoms", "fold-2", "ours", paces) == 600
    assert json.loads(paces.read_text())["phantoms"]["out-of-fold"]["nnunet"]["batch"] == 4
    keep(Pace(999.0), "phantoms", "fold-1", "nnunet", paces)
    assert steps_of(5, "phantoms", "fold-2", "nnunet", paces) == 1


class Threshold:
    """What is brighter than a level, which it learns from nobody; and the whole image."""

    methods = ("level", "all")

    def __init__(self) -> None:
        self.entered: list[tuple[str, int, int]] = []
        self.code = "1"

    def version(self, data: str) -> str:
        return self.code

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        return Pace(1.0)

    def enter(self, problem: Problem, steps: int, seed: int, python: Path | None) -> Outcome:
        self.entered.append((problem.split, steps, seed))
        level = [(source.image > 115).astype(np.uint8) for source in problem.measured]
        return Outcome({"level": level, "all": [np.ones_like(answer) for answer in level]}, steps, 1, 2.0, 3.0)


@pytest.fixture
def root(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path / "nuclei-mini", 8, size=(32, 32))


def test_a_killed_contest_goes_on_with_whole_trainings(root: Path, tmp_path: Path) -> None:
    paces, out = tmp_path / "paces.json", tmp_path / "rows.csv"
    keep(Pace(60.0), "nuclei-mini", "fold-1", "ours", paces)
    level = Threshold()
    asked = (str(root), "ours", [1, 2], [7], ["fold-1", "fold-2"], out, None, paces, tmp_path / "ledger.json", level)
    killed = contest(*asked)
    assert next(killed) == f"4 trainings, 0 of them in {out}"
    assert next(killed).startswith("nuclei-mini, fold-1, level, 1 minutes, seed 7: Dice 1.0000 of 4 images")
    killed.close()
    first = read_rows(out, Row)
    assert [row.key for row in first] == [Key("nuclei-mini", method, 1, 7, "fold-1") for method in ("level", "all")]
    assert (first[0].steps, first[0].processor_seconds, first[0].code) == (2, 3.0, "1")
    assert next(contest(*asked)) == f"4 trainings, 1 of them in {out}"
    list(contest(*asked))
    rows = read_rows(out, Row)
    assert rows[:2] == first
    assert len({row.key for row in rows}) == len(rows) == 8
    assert level.entered == [("fold-1", 2, 7), ("fold-1", 4, 7), ("fold-2", 2, 7), ("fold-2", 4, 7)]
    case, group, dice, by_class = rows[0].cases[0]
    assert case.startswith(group[:3])
    assert by_class == {"foreground": dice}
    level.code = "2"
    with pytest.raises(UsageError, match=r"its row of level on nuclei-mini, fold-1, 1 minutes, seed 7 is of version 1"):
        list(contest(*asked))


def test_the_test_split_is_used_once_beside_other_uses(root: Path, tmp_path: Path) -> None:
    paces, ledger = tmp_path / "paces.json", tmp_path / "ledger.json"
    keep(Pace(60.0), "nuclei-mini", "test", "ours", paces)
    before = {"nuclei-mini": {"when": "2026-11-30T09:48:45+00:00", "asked": {"methods": ["encoder/plain"]}}}
    ledger.write_text(json.dumps(before))
    asked = (str(root), "ours", [1], [7], ["test"], tmp_path / "rows.csv", None, paces, ledger)
    list(contest(*asked, Threshold()))
    assert json.loads(ledger.read_text()).keys() == {"nuclei-mini", "nuclei-mini: contest, ours, 1 minutes"}
    again = Threshold()
    list(contest(*asked, again))
    assert not again.entered
    changed = Threshold()
    changed.version = lambda data: "2"  # type: ignore[method-assign]  # of this one alone
    with pytest.raises(UsageError, match="of nuclei-mini: contest, ours, 1 minutes was used already"):
        list(contest(*asked, changed))
    *_, last = contest_table(read_rows(tmp_path / "rows.csv", Row), "all", ledger)
    assert last == "nuclei-mini: its test split was looked at once before, on 2026-11-30, for encoder/plain."


def row(method: str, minutes: int, dice: list[float], seed: int = 0, split: str = "development") -> Row:
    """Of cases in groups of two."""
    cases = [(f"{split}{number}", f"{split}{number // 2}", value, {}) for number, value in enumerate(dice)]
    return Row(
        Key("phantoms", method, minutes, seed, split), len(dice), float(np.mean(dice)), 9, 7, 2.5, 30.0, "", "", cases
    )


def test_the_table_averages_seeds_pools_folds_and_pairs(tmp_path: Path) -> None:
    """Cases of two seeds are 0.6, 0.6, 0.7 and 0.9; groups differ from 0.5 by 0.1 and 0.3: 0.2 +- 12.706 x 0.1."""
    rows = [
        row("ours", 5, [0.5, 0.5], 0, "fold-1"),
        row("ours", 5, [0.7, 0.7], 1, "fold-1"),
        *(row("ours", 5, [0.7, 0.9], seed, "fold-2") for seed in (0, 1)),
        *(row("other", 15, [0.5, 0.5], 0, fold) for fold in ("fold-1", "fold-2")),
    ]
    head, _, *lines = contest_table(rows, "other@15", tmp_path / "none")
    assert "| less other@15 | Student's 95 % |" in head
    assert lines == [
        "| phantoms | out-of-fold | 5 | ours | 2 | 4 | 0.700 | 0.650 | +0.200 | -1.071 to +1.471 |  | 9 | 30 |",
        "| phantoms | out-of-fold | 15 | other | 1 | 4 | 0.500 | 0.500 |  |  |  | 9 | 30 |",
    ]
    alike = [row("ours", 5, [0.75] * 16), row("other", 5, [0.5] * 16)]
    [ours] = [line for line in contest_table(alike, "other", tmp_path / "none") if "| ours |" in line]
    # Eight groups that all differ by 0.25, and one that may differ by -1 or 1.
    assert ours.split(" | ")[8:10] == ["+0.250", "+0.250 to +0.250"]
    low, high = (float(end) for end in ours.split(" | ")[10].split(" to "))
    share = 1 - 0.025 ** (1 / 8)
    assert (low, high) == pytest.approx((0.25 - 1.25 * share, 0.25 + 0.75 * share), abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["contest-table", "none.csv", "--against", "nnunet@x"],
            "--against nnunet@x: expected METHOD or METHOD@MINUTES",
        ),
        (["pace", "--data", "nowhere", "--method", "nnunet"], "nowhere: no such folder"),
    ],
)
def test_a_mistake_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        main(arguments)
