"""A small trial of benchmarks/quality: measured as the Evaluator does, and not done again after a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from benchmarks.quality.experiments import Experiment
from benchmarks.quality.prepared import Prepared
from benchmarks.quality.rows import read_rows
from benchmarks.quality.runner import config_of, confirm, run
from benchmarks.quality.trial import cases_of, of_steps, train
from components.errors import UsageError
from components.evaluator.per_case import read_cases
from components.example_gen.core import read_source
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.records.tfexample import serialize, shard_writer
from pipeline.config.root import Config

SMALL = ("data.height=32", "data.width=32", "data.channels=1", "model.parameters={ levels = 2, base_filters = 2 }")
EXPERIMENT = Experiment(
    {"batch": ("model.parameters.normalisation='batch'",), "group": ("model.parameters.normalisation='group'",)},
    steps=(2,),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "nuclei-mini", 8, size=(32, 32))


@pytest.mark.slow
def test_a_killed_experiment_goes_on(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    killed = run("norms", EXPERIMENT, root, out, [3], SMALL)
    assert next(killed) == f"2 rows, 0 of them in {out}"
    assert next(killed).startswith("batch, batch 4, ")
    killed.close()
    [first] = read_rows(out)
    before, *lines = run("norms", EXPERIMENT, root, out, [3], SMALL)
    assert before == f"2 rows, 1 of them in {out}"
    assert len(lines) == 1
    again, second = read_rows(out)
    assert again == first
    assert (second.key.method, second.key.seed, second.key.split) == ("group", 3, "development")
    assert {case for case, *_ in first.cases} == {case for case, *_ in second.cases}
    assert second.steps_done >= 2
    assert second.parameters < first.parameters
    assert second.processor_seconds > 0
    assert list(run("norms", EXPERIMENT, root, out, [3], SMALL)) == [f"2 rows, 2 of them in {out}"]
    with pytest.raises(UsageError, match=r"batch, batch 4, 2 steps, seed 3 was measured with other settings"):
        list(run("norms", EXPERIMENT, root, out, [3], [*SMALL, "training.learning_rate=0.1"]))


def test_what_differs_in_data_is_no_method(root: Path, tmp_path: Path) -> None:
    other = Experiment({"large": ("data.height=64",)})
    with pytest.raises(UsageError, match=r"large: changes \[data\], which all methods have in common"):
        list(run("norms", other, root, tmp_path / "rows.csv", [0], SMALL))


@pytest.mark.slow
def test_cases_are_those_of_the_evaluator(
    root: Path, tmp_path: Path, artifact: Callable, measure_by: Callable[..., Path]
) -> None:
    """Of images that are as large as their records, which the Evaluator judges."""
    config: Config = config_of("nuclei-mini", EXPERIMENT, (*SMALL, "training.learning_rate=0.05"), of_steps(20, 4))
    data = config.records
    listed = list_samples(root, data).samples[:4]
    examples = artifact(standard_artifacts.Examples, tmp_path / "examples", ["train", "eval", "test"])
    for split in ("train", "eval", "test"):
        with shard_writer(examples.uri, split, "shard") as writer:
            for sample in listed:
                for record in outcome_of(sample, root, data, serialize)[1]:
                    writer.write(record)
    sources = [read_source(root, sample, data) for sample in listed]
    served, _ = train(Prepared(Path(examples.uri), 4, sources), config, tmp_path / "trained")
    model = artifact(standard_artifacts.Model, tmp_path / "model")
    (tmp_path / "model" / "Format-Serving").symlink_to(served)
    evaluation = measure_by(model, examples, config.inferrer_on("eval"), config.evaluator_on("eval"))
    theirs = read_cases(evaluation / "per_case.csv")
    ours = list(cases_of(served, sources, config))
    assert [(case.id, case.group) for case in ours] == [(case.id, case.group) for case in theirs]
    assert [case.classes["foreground"].counts for case in ours] == [
        case.classes["foreground"].counts for case in theirs
    ]
    assert any(case.predicted_pixels for case in ours)


@pytest.mark.slow
def test_confirmation_measures_the_test_split_and_says_so(root: Path, tmp_path: Path) -> None:
    ledger, out = tmp_path / "confirmed.json", tmp_path / "rows.csv"
    one = Experiment({"norms/group": EXPERIMENT.methods["group"]}, steps=(1,))
    list(confirm(one, root, out, [0], SMALL, ledger))
    [row] = read_rows(out)
    assert (row.key.experiment, row.key.split) == ("confirm", "test")
    with pytest.raises(UsageError, match="the confirmation split of nuclei-mini was used already"):
        list(confirm(one, root, out, [0, 1], SMALL, ledger))
