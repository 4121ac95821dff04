"""Masks that may mean two things: what is told, and what is asked."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from test_init_truth import disc, numbers, truth

from pipeline.runs.init.looks import look_at_masks
from pipeline.runs.init.truth.core import found_truth

SIDE = 96


def rings(number: int, inner: int, rim: int, width: int = 5, around: int = 0) -> np.ndarray:
    """A disc of one value with a rim of another around it."""
    mask = np.full((SIDE, SIDE), around, np.uint8)
    place = (40 + number % 12, 44)
    cv2.circle(mask, place, 20, rim, -1)
    cv2.circle(mask, place, 20 - width, inner, -1)
    return mask


def objects(number: int, count: int, step: int = 1, first: int = 1, kind: type = np.uint8) -> np.ndarray:
    """So many discs, each with a number of its own."""
    mask = np.zeros((SIDE, SIDE), kind)
    for place in range(count):
        column, row = 10 + 22 * (place % 4), 12 + 24 * (place // 4) + number % 5
        mask[cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (column, row), 7, 1, -1) > 0] = first + step * place
    return mask


def shrunk(mask: np.ndarray, side: int, way: int = cv2.INTER_AREA) -> np.ndarray:
    return cv2.resize(mask, (side, side), interpolation=way)


def crisp(number: int, *values: int) -> np.ndarray:
    return disc(number, *values, size=80)


@pytest.mark.parametrize(
    "masks",
    [
        [shrunk(crisp(number, 0, 255), 40) for number in range(12)],
        [shrunk(crisp(number, 0, 255), 160, cv2.INTER_LINEAR) for number in range(12)],
        [shrunk(crisp(number, 0, 255), 133, cv2.INTER_CUBIC) for number in range(12)],
        [(np.uint16(257) * shrunk(crisp(number, 0, 255), 40)) for number in range(12)],
    ],
    ids=["halved", "doubled", "cubic", "16 bit"],
)
def test_rims_from_resizing_are_no_classes(tmp_path: Path, masks: list[np.ndarray]) -> None:
    found = truth(tmp_path, masks)
    assert (found.mask, found.classes, found.questions) == ({"threshold": (int(masks[0].max()) + 1) // 2}, [], [])
    assert "cut in the middle" in found.why


def test_several_levels_with_rims_are_the_nearest_level(tmp_path: Path) -> None:
    found = truth(tmp_path, [shrunk(crisp(number, 0, 128, 255), 160, cv2.INTER_LINEAR) for number in range(12)])
    assert found.mask["levels"] == {"0": "background", "128": "class_128", "255": "class_255"}
    assert 0.02 < found.mask["max_stray"] < 0.3
    assert any("count as the nearest level" in each for each in found.unsure)


def test_rims_between_colours_are_no_classes(tmp_path: Path) -> None:
    table = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.uint8)
    found = truth(tmp_path, [shrunk(table[crisp(number, 0, 1, 2)], 40) for number in range(12)])
    assert found.mask["colours"] == {"#000000": "background", "#ff0000": "red", "#0000ff": "blue"}
    assert found.mask["max_colour_distance"] >= 180


def test_a_wide_map_of_probabilities_is_cut_and_not_counted(tmp_path: Path) -> None:
    masks = []
    for number in range(6):
        wide = np.zeros((300, 300), np.float32)
        cv2.circle(wide, (150, 150), 80 + number, 255, -1)
        masks.append(cv2.GaussianBlur(wide, (0, 0), 30).astype(np.uint8))
    assert truth(tmp_path, masks).form == "grey"


def test_a_void_rim_around_one_class_is_ignored_and_granted(tmp_path: Path) -> None:
    found = truth(tmp_path, [rings(number, 1, 255) for number in range(12)])
    [question] = found.questions
    assert (found.mask, found.classes, question.default) == ({"form": "indices"}, [], "ignore")
    assert question.answers["ignore"] == {"mask": {"ignore": 255}}
    assert question.answers["class"]["classes"] == ["class_1", "class_255"]
    assert question.granted == "that 255 marks what is not judged"


def test_a_void_beside_several_classes_is_ignored_and_granted(tmp_path: Path) -> None:
    found = truth(tmp_path, numbers(0, 1, 2, 255))
    assert (found.mask, found.classes) == ({"form": "indices"}, ["class_1", "class_2"])
    assert [question.default for question in found.questions] == ["ignore"]


def test_a_palette_with_a_void_rim(tmp_path: Path) -> None:
    for number in range(6):
        picture = Image.fromarray(rings(number, 1, 255), "P")
        picture.putpalette([*(0, 0, 0), *(128, 0, 0), *([0] * 759), *(224, 224, 192)][:768])
        picture.save(tmp_path / f"{number}.png")
    found = found_truth(look_at_masks(sorted(tmp_path.iterdir()))[0])
    assert [question.default for question in found.questions] == ["ignore"]


def test_255_that_is_no_rim_beside_one_class_is_asked(tmp_path: Path) -> None:
    [question] = truth(tmp_path, numbers(0, 1, 255)).questions
    assert question.default is None
    assert "[data.mask] ignore: 255 beside 0 to 1" in question.text


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ((1, 2, 0), {"0": "background", "1": "foreground", "2": "ignore"}),
        ((2, 1, 0), {"0": "background", "1": "ignore", "2": "foreground"}),
        ((255, 128, 0), {"0": "background", "128": "ignore", "255": "foreground"}),
        ((1, 3, 2), {"1": "foreground", "2": "background", "3": "ignore"}),
    ],
    ids=["outside", "lower", "levels", "pets"],
)
def test_a_rim_is_a_class_or_not_judged_which_is_asked(
    tmp_path: Path, values: tuple[int, int, int], levels: dict[str, str]
) -> None:
    inner, rim, around = values
    found = truth(tmp_path, [rings(number, inner, rim, 3, around) for number in range(12)])
    [question] = found.questions
    assert question.default is None
    assert f"{rim} lies as a rim between others" in question.text
    assert question.answers["ignore"] == {"mask": {"form": "levels", "levels": levels}, "classes": []}
    assert {*question.answers} == {"class", "ignore", "object"}


def test_a_thick_ring_is_a_class(tmp_path: Path) -> None:
    found = truth(tmp_path, [rings(number, 2, 1, 12) for number in range(12)])
    assert (found.classes, found.questions) == (["class_1", "class_2"], [])


def counted(*counts: int) -> list[np.ndarray]:
    return [objects(number, counts[number % len(counts)]) for number in range(12)]


@pytest.mark.parametrize(
    "masks",
    [counted(1, 4, 6, 3), counted(1, 2), [objects(number, 1, first=1 + number % 6) for number in range(12)]],
    ids=["1 to 6", "1 and 2", "one in each"],
)
def test_a_few_numbers_are_objects_or_classes_which_is_asked(tmp_path: Path, masks: list[np.ndarray]) -> None:
    found = truth(tmp_path, masks)
    [question] = found.questions
    highest = max(mask.max() for mask in masks)
    assert question.default is None
    assert f"1 to {highest}" in question.text
    assert "number objects of one class" in question.text
    assert question.answers["objects"] == {"mask": {"form": "instances"}, "classes": []}
    assert question.answers["classes"]["classes"] == [f"class_{value}" for value in range(1, highest + 1)]


def test_what_stands_in_pieces_or_leaves_numbers_out_is_a_class(tmp_path: Path) -> None:
    pieces = counted(1, 2)
    for mask in pieces:
        mask[70:80, 10:20] = 1
    gaps = [np.where(objects(number, 3) == 1 + number % 3, 0, objects(number, 3)) for number in range(12)]
    for masks in (pieces, gaps, counted(3)):
        assert truth(tmp_path, [mask.astype(np.uint8) for mask in masks]).questions == []


def test_many_numbers_are_objects(tmp_path: Path) -> None:
    masks = [objects(number, 9 + number % 6) for number in range(12)]
    shift = np.kron([[0, 14], [28, 42]], np.ones((SIDE, SIDE), np.uint8))
    many = [np.tile(mask, (2, 2)) for mask in masks]
    found = truth(tmp_path, [(mask + shift * (mask > 0)).astype(np.uint8) for mask in many])
    assert (found.mask, found.form, [*found.questions]) == ({"form": "instances"}, "instances, united", [])


def test_many_classes_in_all_masks_are_no_objects(tmp_path: Path) -> None:
    masks = [np.kron(np.arange(20).reshape(4, 5), np.ones((12, 12))).astype(np.uint8) for _ in range(6)]
    assert truth(tmp_path, masks).classes == [f"class_{value}" for value in range(1, 20)]


def test_sparse_ids_are_objects_and_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    few = [
        objects(number, 3, int(rng.integers(50, 900)), int(rng.integers(1000, 26000)), np.uint16)
        for number in range(12)
    ]
    many = [
        objects(number, 1 + number % 12, 7, 1000, np.uint16) + objects(number, 1, 0, 25000, np.uint16)
        for number in range(12)
    ]
    for masks in (few, [mask.astype(np.uint16) for mask in many]):
        found = truth(tmp_path, masks)
        assert found.mask == {"form": "instances"}
        assert any(
            "number objects of one class" in each for each in [*found.unsure, *(q.text for q in found.questions)]
        )


def test_ids_beyond_8_bit_that_come_again_are_asked(tmp_path: Path) -> None:
    masks = [objects(number, 1 + number % 4, 1, 26000, np.uint16) for number in range(12)]
    [question] = truth(tmp_path, masks).questions
    assert question.default is None
    assert question.answers["classes"]["mask"]["levels"]["26003"] == "class_26003"


def test_small_objects_are_seen(tmp_path: Path) -> None:
    masks = []
    for number in range(12):
        mask = np.zeros((512, 512), np.uint8)
        for value in range(1, 2 + number % 4):
            mask[40 * value : 40 * value + 5, 30:36] = value
        masks.append(mask)
    [question] = truth(tmp_path, masks).questions
    assert "number objects of one class" in question.text


def test_two_ways_of_saving_are_one_class(tmp_path: Path) -> None:
    masks = [mask.astype(np.uint16) * (257 if number % 2 else 1) for number, mask in enumerate(numbers(0, 255))]
    found = truth(tmp_path, masks)
    assert (found.mask, found.classes, found.questions) == ({}, [], [])


def test_a_void_colour_around_classes_is_asked(tmp_path: Path) -> None:
    table = np.array([(0, 0, 0), (128, 0, 0), (224, 224, 192)], np.uint8)
    found = truth(tmp_path, [table[rings(number, 1, 2)] for number in range(6)])
    [question] = found.questions
    assert "#e0e0c0 lies as a rim" in question.text
    colours = {"#000000": "background", "#800000": "foreground", "#e0e0c0": "ignore"}
    assert question.answers["ignore"] == {"mask": {"form": "colours", "colours": colours}, "classes": []}


def test_layers_are_classes_and_told(tmp_path: Path) -> None:
    masks = [np.repeat(np.clip(np.arange(60) // 4 - 4, 0, 6), 60).reshape(60, 60).astype(np.uint8) for _ in range(6)]
    found = truth(tmp_path, masks)
    assert found.classes == [f"class_{value}" for value in range(1, 7)]
    assert any("between others as a rim is" in each for each in found.unsure)
