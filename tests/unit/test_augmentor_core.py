"""Augmented copies of a record: what they depend on, what they keep and what they say of themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from components.augmentor.core import copies_of
from components.imaging.augmentation.augment import AugmentationDraw, augmented, generator
from components.imaging.augmentation.settings import Augmentation
from components.imaging.geometry.placement import letterbox
from components.imaging.geometry.transform import to_source
from components.records.record import Record
from components.records.tfexample import parse, serialize

OPERATIONS = (
    *("rotation", "zoom", "shear", "elastic", "distortion", "barrel", "pincushion"),
    *("gamma", "contrast", "brightness", "clahe", "sharpening", "blur", "low_resolution", "noise", "cutout"),
)
FLIPS = {"horizontal_flip": 0.5, "vertical_flip": 0.5, "right_angle": 0.5}
SETTINGS = Augmentation.model_validate(
    {"copies": 3, "seed": 1, **FLIPS, **{name: {"probability": 0.5} for name in OPERATIONS}}
)
IDS = [f"case{number}" for number in range(12)]


def record(id: str = "case", shape: tuple[int, ...] = (40, 40)) -> Record:
    rng = np.random.default_rng(0)
    return Record(
        image=rng.integers(0, 65536, shape, np.uint16),
        mask=rng.choice(np.array([0, 1, 4], np.uint8), shape[:2]),
        id=id,
        group="patient",
        source="images/case.png",
        source_sha256=b"hash",
        transform=letterbox(120, 160, *shape[:2]).as_json(),
        signature=b"signature",
        label="benign",
    )


def test_copies_do_not_depend_on_the_order() -> None:
    forwards = {id: list(copies_of(record(id), SETTINGS)) for id in IDS}
    backwards = {id: list(copies_of(record(id), SETTINGS)) for id in reversed(IDS)}
    for id in forwards:
        assert list(map(serialize, forwards[id])) == list(map(serialize, backwards[id]))


def test_more_copies_leave_the_first_as_they_were() -> None:
    few = [serialize(copy) for copy in copies_of(record(), SETTINGS.model_copy(update={"copies": 2}))]
    more = [serialize(copy) for copy in copies_of(record(), SETTINGS.model_copy(update={"copies": 5}))]
    assert few == more[:2]
    assert len(set(more)) == 5
    assert not list(copies_of(record(), SETTINGS.model_copy(update={"copies": 0})))


def test_copies_are_those_of_the_joint_functions() -> None:
    original = record()
    for number, copy in enumerate(copies_of(original, SETTINGS), start=1):
        rng = generator(1, "case", number)
        image, mask, parameters = augmented(original.image, original.mask, rng, SETTINGS)
        np.testing.assert_array_equal(copy.image, image)
        np.testing.assert_array_equal(copy.mask, mask)
        assert copy.augmentation == parameters


def test_copies_name_their_origin_and_keep_what_is_known_of_it() -> None:
    original = record()
    kept = ("group", "source", "source_sha256", "label", "signature")
    for number, copy in enumerate(copies_of(original, SETTINGS), start=1):
        assert (copy.id, copy.derived_from) == (f"case+{number}", "case")
        assert [getattr(copy, name) for name in kept] == [getattr(original, name) for name in kept]
        assert copy.transform == {"kind": "chain", "steps": [original.transform, copy.augmentation["warp"]]}
        assert (copy.image.shape, copy.image.dtype, copy.mask.dtype) == ((40, 40), np.uint16, np.uint8)


@pytest.mark.parametrize("shape", [(40, 40), (40, 40, 3), (40, 56)])
def test_a_written_copy_is_rebuilt_from_its_parameters_bit_for_bit(shape: tuple[int, ...]) -> None:
    original = record(shape=shape)
    for copy in copies_of(original, SETTINGS.model_copy(update={"copies": 8})):
        written = parse(serialize(copy))
        image, mask = AugmentationDraw.from_json(written.augmentation).apply(original.image, original.mask)
        assert image.tobytes() == written.image.tobytes()
        assert mask.tobytes() == written.mask.tobytes()
        assert (written.id, written.derived_from, written.transform) == (copy.id, copy.derived_from, copy.transform)


def test_originals_have_no_parameters() -> None:
    assert b"augment/params" not in serialize(record())
    assert parse(serialize(record())).augmentation == {}


def test_pixels_of_a_copy_are_found_in_the_source() -> None:
    """Each class of the source is a band of columns: a copy's pixel says which, and its transform where."""
    _, columns = np.indices((120, 160))
    source = (columns // 20 + 1).astype(np.uint8)
    box = letterbox(120, 160, 96, 96)
    original = Record(box.image(source), box.mask(source), "case", "p", "a.png", b"", box.as_json())
    moves = {name: value for name, value in SETTINGS if name not in OPERATIONS[7:]}
    settings = Augmentation(**{**moves, "copies": 12})
    for copy in copies_of(original, settings):
        transform = json.loads(json.dumps(copy.transform))
        found_rows, found_columns = to_source(transform, *np.indices(copy.mask.shape))
        inside = copy.mask > 0
        # The middle of a band: a nearest pixel of the record reaches 1.7 pixels of the source at most.
        sure = inside & (np.abs(found_columns % 20 - 9.5) < 6)
        assert sure.sum() > 300
        np.testing.assert_array_equal(copy.mask[sure], found_columns[sure] // 20 + 1)
        assert found_rows[inside].min() > -3
        assert found_rows[inside].max() < 122
