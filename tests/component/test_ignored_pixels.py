"""Pixels that are not judged: whatever truth stands under them, records, account and all that follows are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ingest import SIZE, Made, box, film, ingest, save

from components.imaging.truth.classes import IGNORE
from components.records.tfexample import serialize

TILES = {"height": 16, "width": 32, "tiles": {"overlap": 4, "edge": "pad", "keep_empty": 0.3}}
FIELD = box(6, 8, 40, 52)
"""Where films are judged."""


def data_set(root: Path, under: int | None) -> Path:
    """Six films with a lesion within the field; outside of it nothing, or values that are no classes."""
    for number in range(6):
        mask = 255 * box(10 + number, 20, 24 + number, 40)
        if under is not None:
            mask = np.where(FIELD == 0, np.random.default_rng(number).integers(0, 2, SIZE) * under, mask)
        save(root / f"images/{number}.png", film(number))
        save(root / f"masks/{number}.png", mask.astype(np.uint8))
        save(root / f"fields/{number}.png", 255 * FIELD)
    return root


def contents(made: Made) -> dict[str, bytes]:
    return {name: serialize(record) for name, record in made.records.items()}


@pytest.mark.parametrize("derivation", [{}, TILES], ids=["whole", "tiles"])
@pytest.mark.parametrize("mask", [{}, {"threshold": 128}], ids=["two values", "threshold"])
def test_truth_outside_of_the_field_of_view_changes_nothing(
    derivation: dict[str, Any], mask: dict[str, Any], tmp_path: Path
) -> None:
    made = [
        ingest(
            data_set(tmp_path / str(under), under), tmp_path / f"records{under}",
            layout="folders", regions="fields", mask=mask, **derivation,
        )
        for under in (None, 255, 77)
    ]  # fmt: skip
    first, *others = made
    assert not first.account["rejects"]
    assert any((record.mask == IGNORE).any() for record in first.records.values())
    for other in others:
        assert contents(other) == contents(first)
        # The files are others: that alone it says.
        assert {**other.account, "data_fingerprint": ""} == {**first.account, "data_fingerprint": ""}


def test_statistics_of_the_image_are_those_of_serving_which_knows_no_field(tmp_path: Path) -> None:
    root = data_set(tmp_path / "data", None)
    within = ingest(root, tmp_path / "within", layout="folders", regions="fields", **TILES)
    everywhere = ingest(root, tmp_path / "everywhere", layout="folders", **TILES)
    assert within.records.keys() <= everywhere.records.keys()
    for name, record in within.records.items():
        assert record.intensity == everywhere.records[name].intensity
        assert record.moments == everywhere.records[name].moments


def test_a_region_of_another_size_or_none_is_a_reject(tmp_path: Path) -> None:
    root = data_set(tmp_path / "data", None)
    save(root / "fields/0.png", FIELD[:-1])
    (root / "fields/1.png").unlink()
    save(root / "fields/9.png", FIELD)
    save(root / "fields/2.png", np.zeros(SIZE, np.uint8))
    rejects = ingest(root, tmp_path / "records", layout="folders", regions="fields").rejects
    assert rejects == {
        "images/0.png": ("sizes differ", "the image is 64 x 48 pixels, its region fields/0.png 64 x 47"),
        "images/1.png": ("pairing", "in fields: it has no region of the same name"),
        "images/2.png": ("nothing is judged", "its truth ignores every pixel within its region fields/2.png"),
        "fields/9.png": ("pairing", "a region without an image of the same name"),
    }


def test_a_tile_of_which_nothing_is_judged_is_learnt_from_by_nobody(tmp_path: Path) -> None:
    root = data_set(tmp_path / "data", None)
    for number in range(6):
        save(root / f"fields/{number}.png", 255 * box(20, 24, 48, 64))
    made = ingest(root, tmp_path / "records", layout="folders", regions="fields", **{**TILES, "width": 16})
    blank = [name for name, record in made.records.items() if (record.mask == IGNORE).all()]
    assert {made.splits[name] for name in blank} == {"eval", "test"}


def test_a_manifest_names_regions(tmp_path: Path) -> None:
    root = data_set(tmp_path / "data", None)
    rows = ["image,mask,region", *(f"images/{n}.png,masks/{n}.png,{'fields/0.png' if n else ''}" for n in range(6))]
    (root / "manifest.csv").write_text("\n".join(rows))
    made = ingest(root, tmp_path / "records", layout="manifest")
    ignored = {name: (record.mask == IGNORE).any() for name, record in made.records.items()}
    assert ignored == {f"images/{n}": n > 0 for n in range(6)}
