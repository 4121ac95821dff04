"""Whether there is something to train anew on, by real folders, split reports and serving folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.errors import UsageError
from components.imaging.files.codecs import encode_png
from components.serving_push import push
from pipeline.config.loader import parse_config
from pipeline.config.root import Config
from pipeline.runs.check import check_config
from pipeline.schedule.retraining import champion_fingerprint, data_fingerprint, drifted_features, new_cases

CONFIG = parse_config(
    {
        "data": {
            "layout": "folders",
            "height": 32,
            "width": 32,
            "spans": 2,
            "groups": {"by": "pattern", "pattern": r"(p\d+)_"},
        },
        "training": {"epochs": 1},
    },
    "tests",
)
DATA = CONFIG.records


@pytest.fixture
def root(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    write_pairs(tmp_path / "data" / "span-1", patients=18)
    return tmp_path / "data"


def serve(root: Path, serving: Path, config: Config = CONFIG) -> str:
    """Pushes a version as a run on the folder would; what it predicts is no matter here."""
    serving.mkdir(exist_ok=True)
    (serving.parent / "model").mkdir(exist_ok=True)
    report = serving.parent / "split_report.json"
    checked = check_config(root, config)
    report.write_text(json.dumps(checked))
    manifest = {"data_fingerprint": checked["data_fingerprint"], "config": config.model_dump()}
    return push(serving.parent / "model", serving, manifest, report)


def test_without_a_champion_everything_is_new(root: Path, tmp_path: Path) -> None:
    assert champion_fingerprint(tmp_path / "serving") is None
    assert new_cases(root, DATA, tmp_path / "serving") == 36
    assert drifted_features(root, CONFIG, tmp_path / "serving") == []


def test_nothing_is_new_after_a_push(root: Path, tmp_path: Path) -> None:
    serve(root, tmp_path / "serving")
    assert champion_fingerprint(tmp_path / "serving") == data_fingerprint(root, DATA)
    assert new_cases(root, DATA, tmp_path / "serving") == 0
    assert drifted_features(root, CONFIG, tmp_path / "serving") == []


def test_a_new_span_brings_new_cases_and_an_old_one_takes_none_along(
    root: Path, tmp_path: Path, write_pairs: Callable[..., Path]
) -> None:
    serve(root, tmp_path / "serving")
    # The same names in another folder are other images.
    for span in (2, 3):
        write_pairs(root / f"span-{span}", patients=3)
    assert champion_fingerprint(tmp_path / "serving") != data_fingerprint(root, DATA)
    assert new_cases(root, DATA, tmp_path / "serving") == 12


def test_a_mask_that_has_changed_is_no_new_case(root: Path, tmp_path: Path) -> None:
    serve(root, tmp_path / "serving")
    (root / "span-1/masks/p00_a.png").write_bytes(encode_png(np.zeros((40, 48), np.uint8)))
    assert champion_fingerprint(tmp_path / "serving") != data_fingerprint(root, DATA)
    assert new_cases(root, DATA, tmp_path / "serving") == 0


@pytest.mark.parametrize("tiles", [False, True])
def test_what_the_champion_could_not_use_is_not_new_each_time(root: Path, tmp_path: Path, tiles: bool) -> None:
    """A damaged file is a reject; of an image without foreground all tiles may have been left out."""
    (root / "span-1/images/p00_a.png").write_bytes(b"damaged")
    settings: dict[str, Any] = CONFIG.data.model_dump() | {"tiles": {"keep_empty": 0.0} if tiles else None}
    config = parse_config({"data": settings, "training": {"epochs": 1}}, "tests")
    serve(root, tmp_path / "serving", config)
    assert new_cases(root, config.records, tmp_path / "serving") == 0


def test_a_version_of_before_has_no_fingerprint(tmp_path: Path, root: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "serving").mkdir()
    push(tmp_path / "model", tmp_path / "serving", {"config": CONFIG.model_dump()})
    assert champion_fingerprint(tmp_path / "serving") is None
    assert new_cases(root, DATA, tmp_path / "serving") == 36


def test_other_data_drift(root: Path, tmp_path: Path, write_pairs: Callable[..., Path]) -> None:
    serve(root, tmp_path / "serving")
    write_pairs(root / "span-2", patients=40, size=(64, 90))
    write_pairs(root / "span-3", patients=40, size=(64, 90))
    assert {"source height", "source width"} <= set(drifted_features(root, CONFIG, tmp_path / "serving"))


def test_a_champion_that_is_gone(root: Path, tmp_path: Path) -> None:
    version = serve(root, tmp_path / "serving")
    (tmp_path / "serving" / version).rename(tmp_path / "moved")
    with pytest.raises(UsageError, match=f"names version {version}, which is not there"):
        champion_fingerprint(tmp_path / "serving")
    with pytest.raises(UsageError, match="which is not there"):
        new_cases(root, DATA, tmp_path / "serving")
