"""The runner of benchmarks/quality: its splits, its file, its table, and what it refuses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import runner, trial
from benchmarks.quality.__main__ import main
from benchmarks.quality.experiments import DATA_SETS, EXPERIMENTS, confirmation
from benchmarks.quality.ledger import use_once
from benchmarks.quality.prepared import split_samples
from benchmarks.quality.rows import Key, Row, append, read_rows
from benchmarks.quality.table import differences, t_interval, table
from components.errors import UsageError
from components.example_gen.samples import MaskFiles, Sample

NUCLEI = DATA_SETS["nuclei-mini"]


def samples() -> list[Sample]:
    names = [f"{kind}_{number:02d}" for kind, count in {"fluo": 68, "pink": 28}.items() for number in range(count)]
    return [Sample(name, name, f"images/{name}.png", MaskFiles((f"masks/{name}.png",))) for name in names]


def test_nothing_of_the_test_split_is_in_development() -> None:
    test = {sample.id for sample in split_samples(samples(), NUCLEI, "test") if sample.split == "test"}
    development = split_samples(samples(), NUCLEI, "development")
    assert Counter(sample.split for sample in development) == {"train": 40, "eval": 8, "development": 24}
    assert len(test) == 24
    assert not test & {sample.id for sample in development}
    kinds = Counter((sample.split, sample.id[:4]) for sample in development)
    assert kinds["development", "fluo"] == 17
    assert development == split_samples(samples(), NUCLEI, "development")


def row(method: str, dice: list[float], seed: int = 0) -> Row:
    """Of cases in groups of two."""
    cases = [(f"case{number}", f"group{number // 2}", value) for number, value in enumerate(dice)]
    key = Key("norms", "nuclei-mini", method, 4, 100, seed, "development")
    return Row(
        key, len(dice), float(np.mean(dice)), float(np.median(dice)), 100, 7, 2.5, 3.5, "abc", "code, more", cases
    )


def test_rows_come_back_from_their_file(tmp_path: Path) -> None:
    out = tmp_path / "new" / "rows.csv"
    rows = [row("batch", [0.5, 0.25]), row("group", [1.0])]
    assert read_rows(out) == []
    for one in rows:
        append(out, one)
    assert read_rows(out) == rows


@pytest.mark.parametrize("content", ["a,b\n1,2\n", '"', "experiment,data\n"])
def test_another_file_is_left_alone(content: str, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    out.write_text(content + "x\n")
    with pytest.raises(UsageError, match=r"not a file of results: .*Give another, or remove it"):
        append(out, row("batch", [0.5]))
    assert out.read_text() == content + "x\n"


def test_the_interval_is_students_over_groups() -> None:
    """Groups differ by 0.1, 0.2 and 0.3: 0.2 +- 4.303 x 0.1 / sqrt 3."""
    first = [row("batch", [0.5] * 6, seed) for seed in (0, 1)]
    other = [row("group", [0.5, 0.7, 0.6, 0.8, 0.7, 0.9], seed) for seed in (0, 1)]
    found = differences(other, first)
    assert found == pytest.approx([0.1, 0.2, 0.3])
    assert t_interval(found) == pytest.approx((0.2 - 0.24842, 0.2 + 0.24842), abs=1e-5)
    head, _, *lines = table([*first, *other])
    assert head.startswith("| data | split | steps | batch | method |")
    assert lines == [
        "| nuclei-mini | development | 100 | 4 | batch | 2 | 6 | 0.500 | 0.500 |  | 4 |",
        "| nuclei-mini | development | 100 | 4 | group | 2 | 6 | 0.700 | 0.700 | +0.200 (-0.048 to +0.448) | 4 |",
    ]


METHODS = [(name, method) for name, experiment in EXPERIMENTS.items() for method in experiment.methods]


@pytest.mark.parametrize(("name", "method"), METHODS)
@pytest.mark.parametrize("data", DATA_SETS)
def test_every_method_is_a_config(name: str, method: str, data: str) -> None:
    experiment = EXPERIMENTS[name]
    own = (*trial.of_steps(500, 4), *experiment.methods[method])
    training = runner.config_of(data, experiment, (), own).training
    assert training.budget
    assert (training.epochs, training.budget.steps, training.batch_size) == (None, 500, 4)


def test_confirmed_is_what_is_named(tmp_path: Path) -> None:
    assert list(confirmation(["norms/group", "norms/batch"]).methods) == ["norms/group", "norms/batch"]
    assert confirmation(["encoder/plain"]).changes == EXPERIMENTS["encoder"].changes
    with pytest.raises(UsageError, match=r"norms/layer: no such method\. There are norms/batch, norms/group"):
        confirmation(["norms/layer"])
    with pytest.raises(UsageError, match="images of other sizes"):
        confirmation(["norms/group", "encoder/plain"])


def test_the_confirmation_split_is_used_once(tmp_path: Path) -> None:
    ledger = tmp_path / "confirmed.json"
    use_once(ledger, "nuclei-mini", {"methods": ["a"], "seeds": [0]})
    written = ledger.read_text()
    use_once(ledger, "nuclei-mini", {"methods": ["a"], "seeds": [0]})
    assert ledger.read_text() == written
    with pytest.raises(UsageError, match=r"of nuclei-mini was used already, on 20.* for methods \['a'\], seeds \[0\]"):
        use_once(ledger, "nuclei-mini", {"methods": ["b"], "seeds": [0]})
    use_once(ledger, "inbreast-mini", {"methods": ["b"]})
    assert list(json.loads(ledger.read_text())) == ["nuclei-mini", "inbreast-mini"]
    ledger.write_text("{")
    with pytest.raises(UsageError, match=r"not a ledger: .*Restore it"):
        use_once(ledger, "nuclei-mini", {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["norms", "--data", "nowhere", "--out", "o.csv"], "nowhere: no such folder"),
        (["norms", "--data", ".", "--out", "o.csv"], "the data sets are nuclei-mini, inbreast-mini"),
        (["confirm", "--data", ".", "--out", "o.csv", "--methods", "x"], "x: no such method"),
    ],
)
def test_a_mistake_is_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        main(arguments)
    assert list(tmp_path.iterdir()) == []
