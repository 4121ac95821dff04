"""What the champion knows, from its split report in a serving folder to the samples of an input folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.memory import held_out
from components.example_gen.settings import DataSettings
from components.records.split_settings import Splits
from components.records.splits import SPLITS
from components.serving_push import push
from pipeline.config.loader import parse_config
from pipeline.runs.check import check_config
from pipeline.schedule.retraining import new_cases

DATA = DataSettings.model_validate(
    {"layout": "folders", "height": 32, "width": 32, "groups": {"by": "pattern", "pattern": r"(p\d+)_"}}
)


@pytest.fixture
def root(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    """Twelve patients with two images each."""
    return write_pairs(tmp_path / "data", patients=12)


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    (tmp_path / "serving").mkdir()
    return tmp_path / "serving"


def splits_of(root: Path, groups: list[str] | None = None) -> dict[str, str]:
    return {sample.group: sample.split for sample in list_samples(root, DATA, groups).samples}


def rows_of(splits: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"group": group, "split": split} for group, split in splits.items()]


def serve(serving: Path, records: list[dict[str, str]] | None, left_out: Sequence[Mapping[str, str]] = ()) -> str:
    """Pushes a version with a report of these records, or without a report."""
    (serving.parent / "model").mkdir(exist_ok=True)
    report = serving.parent / "split_report.json"
    report.write_text(json.dumps({"records": records, "left_out": left_out, "rejects": []}))
    return push(serving.parent / "model", serving, {}, *([report] if records else []))


def test_without_a_champion_or_its_report_the_draw_decides(root: Path, serving: Path) -> None:
    assert held_out(root, DATA, serving.parent / "nowhere") is None
    assert held_out(root, DATA, serving) is None
    serve(serving, None)
    assert held_out(root, DATA, serving) is None


def test_a_champion_of_the_same_data_changes_nothing(root: Path, serving: Path) -> None:
    serve(serving, rows_of(splits_of(root)))
    assert held_out(root, DATA, serving) is None


def test_a_champion_that_was_tested_on_others_changes_the_split(root: Path, serving: Path) -> None:
    """Of twelve two are test: by hash p08 and p04, and then p10."""
    drawn = splits_of(root)
    assert {group for group in drawn if drawn[group] == "test"} == {"p08", "p04"}
    serve(serving, rows_of({"p01": "test", "p08": "train", "p04": "eval", "gone": "test"}))
    found = held_out(root, DATA, serving)
    assert found == ["p01", "p10"]
    splits = splits_of(root, found)
    assert [group for group in splits if splits[group] == "test"] == found
    assert [list(splits.values()).count(split) for split in SPLITS] == [8, 2, 2]


def test_the_newest_version_is_the_one_that_is_remembered(root: Path, serving: Path) -> None:
    serve(serving, rows_of({"p01": "test"}))
    serve(serving, rows_of({"p02": "test"}))
    assert held_out(root, DATA, serving) == ["p02", "p08"]


def test_a_champion_that_is_gone(root: Path, serving: Path) -> None:
    version = serve(serving, rows_of({"p01": "test"}))
    (serving / version).rename(serving.parent / "moved")
    with pytest.raises(UsageError, match=f"names version {version}, which is not there"):
        held_out(root, DATA, serving)


def test_a_folder_that_is_gone(serving: Path, tmp_path: Path) -> None:
    serve(serving, rows_of({"p01": "test"}))
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        held_out(tmp_path / "nowhere", DATA, serving)


@pytest.fixture
def spans(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    """Twelve patients in the first span, three in the second."""
    root = tmp_path / "spans"
    write_pairs(root / "span-1", patients=12)
    write_pairs(root / "span-2", patients=15)
    for number in range(12):
        for path in root.glob(f"span-2/*/p{number:02d}_*"):
            path.unlink()
    return root


def test_what_was_older_than_the_champions_window_counts_as_learnt(spans: Path, serving: Path) -> None:
    """Of the first span p08 and p04 were drawn; with another salt p10 and p01 would be, whom a model before learnt."""
    data = DATA.model_copy(update={"spans": 1})
    served = list_samples(spans, data)
    rows = [{"group": sample.group, "split": sample.split} for sample in served.samples]
    assert {row["group"] for row in rows} == {"p04", "p08", "p12", "p13", "p14"}
    older = [{"source": reject.source, "kind": reject.kind} for reject in served.left_out]
    serve(serving, rows, older)
    assert held_out(spans, data, serving) is None
    salted = data.model_copy(update={"splits": Splits(salt="b")})
    assert {sample.group for sample in list_samples(spans, salted).samples} == {"p01", "p10", "p12", "p13", "p14"}
    assert held_out(spans, salted, serving) == ["p04", "p08"]


def test_checks_and_slots_see_what_a_run_sees(spans: Path, serving: Path) -> None:
    """With the draw alone, p08 and p04 of the first span would be read again, and be new."""
    config = parse_config(
        {
            "data": {**DATA.model_dump(exclude={"folds"}), "spans": 1},
            "training": {"epochs": 1},
            "validation": {"max_drift": 1.0},
        },
        "tests",
    )
    records = [{"source": f"span-1/images/p01_{view}.png", "group": "p01", "split": "test"} for view in "ab"]
    older = [{"source": f"span-1/images/p{number:02d}_a.png", "kind": "span"} for number in range(12) if number != 1]
    version = serve(serving, records, older)
    (serving / version / "MANIFEST.json").write_text(json.dumps({"config": config.model_dump(mode="json")}))
    checked = check_config(spans, config, serving)["records"]
    # Of fifteen two are test; of the three that are new p14 has the lowest hash.
    assert {row["group"] for row in checked if row["split"] == "test"} == {"p01", "p14"}
    assert new_cases(spans, config.records, serving) == 3 * 2


def test_the_champion_is_remembered_by_images_where_groups_have_other_names_now(root: Path, serving: Path) -> None:
    """Its groups were the names of files; now they are patients."""
    drawn = sorted(group for group, split in splits_of(root).items() if split == "test")
    rows = [
        {"group": f"{drawn[0]}_a", "source": f"images/{drawn[0]}_a.png", "split": "train"},
        {"group": "p01_a", "source": "images/p01_a.png", "split": "test"},
    ]
    (serving.parent / "model").mkdir()
    report = serving.parent / "split_report.json"
    report.write_text(json.dumps({"records": rows}))
    push(serving.parent / "model", serving, {}, report)
    remembered = held_out(root, DATA, serving)
    assert remembered is not None
    assert "p01" in remembered
    assert drawn[0] not in remembered


def test_what_a_champion_of_folds_has_learnt_is_never_drawn_into_test(root: Path, serving: Path) -> None:
    """By the draw alone p04 and p08 are test; a fold of the champion has p08."""
    folds = DATA.model_copy(update={"folds": 3})
    serve(serving, rows_of({"p01": "test", "p08": "fold-2", "gone": "fold-1"}))
    found = held_out(root, folds, serving)
    assert found is not None
    assert "p01" in found
    assert "p08" not in found
    splits = {sample.group: sample.split for sample in list_samples(root, folds, found).samples}
    assert [group for group in splits if splits[group] == "test"] == found
    assert {splits[group] for group in splits} == {"fold-1", "fold-2", "fold-3", "test"}
