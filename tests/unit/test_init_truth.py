"""What masks mean, by the values and colours that they have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.errors import UsageError
from pipeline.runs.init.looks import Look, look_at_masks
from pipeline.runs.init.truth.core import found_truth
from pipeline.runs.init.truth.meanings import FoundTruth


def disc(number: int, *values: int, size: int = 40) -> np.ndarray:
    """Background, and a disc of each further value."""
    mask = np.full((size, size), values[0], np.uint16)
    for place, value in enumerate(values[1:]):
        cv2.circle(mask, (8 + 11 * place, 10 + number % 20), 4, value, -1)
    return mask if max(values) > 255 else mask.astype(np.uint8)


def written(folder: Path, masks: list[np.ndarray], suffix: str = ".png") -> list[Look]:
    paths = [folder / f"{number}{suffix}" for number in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        cv2.imwrite(str(path), mask[..., ::-1] if mask.ndim == 3 else mask, [cv2.IMWRITE_JPEG_QUALITY, 75])
    looks, faults = look_at_masks(paths)
    assert not faults
    return looks


def truth(folder: Path, masks: list[np.ndarray], suffix: str = ".png") -> FoundTruth:
    return found_truth(written(folder, masks, suffix))


def numbers(*values: int) -> list[np.ndarray]:
    return [disc(number, *values) for number in range(12)]


def grid(count: int) -> np.ndarray:
    """So many squares, each with its number."""
    cells = np.arange(25).reshape(5, 5) + 1
    inner = np.pad(np.ones((5, 5), int), 2)[:8, :8]
    return np.kron(np.where(cells > count, 0, cells), inner).astype(np.uint16)


LEVELS = {"64": "background", "128": "class_128", "255": "class_255"}


@pytest.mark.parametrize(
    ("masks", "mask", "classes"),
    [
        (numbers(0, 255), {}, []),
        (numbers(0, 1), {}, []),
        (numbers(0, 1, 2), {"form": "indices"}, ["class_1", "class_2"]),
        (numbers(64, 128, 255), {"form": "levels", "levels": LEVELS}, ["class_128", "class_255"]),
        ([*numbers(0, 1)[:6], *numbers(0, 255)[6:]], {}, []),
        ([disc(number, 0, number + 1) for number in range(12)], {}, []),
        ([grid(20 + number) for number in range(12)], {"form": "instances"}, []),
        ([cv2.GaussianBlur(mask, (0, 0), 2) for mask in numbers(0, 255)], {"threshold": 109}, []),
        ([*numbers(0, 255)[:11], cv2.GaussianBlur(disc(0, 0, 255), (0, 0), 2)], {}, []),
    ],
    ids=[
        "255",
        "1",
        "indices",
        "levels",
        "1 or 255",
        "numbered",
        "objects",
        "soft",
        "one odd",
    ],
)
def test_grey_masks(tmp_path: Path, masks: list[np.ndarray], mask: dict[str, Any], classes: list[str]) -> None:
    found = truth(tmp_path, masks)
    assert (found.mask, [*found.classes], [*found.questions]) == (mask, classes, [])


def test_shares_are_of_all_pixels(tmp_path: Path) -> None:
    square = np.zeros((40, 40), np.uint8)
    square[:20, :20] = 255
    found = truth(tmp_path, [square] * 2)
    assert [(each.value, each.name, each.share) for each in found.meanings] == [
        ("0", "background", 0.75),
        ("255", "foreground", 0.25),
    ]


def test_bright_masks_are_a_question(tmp_path: Path) -> None:
    found = truth(tmp_path, [255 - mask for mask in numbers(0, 255)])
    [question] = found.questions
    assert "the bright pixels (255) cover 9" in question.text
    assert question.answers == {way: {"mask": {"foreground": way}} for way in ("bright", "dark")}
    assert question.default is None


@pytest.mark.parametrize(("values", "guess"), [((1, 2), "1"), ((64, 0, 255), "64"), ((128, 0, 255), "128")])
def test_a_background_that_is_not_black_is_a_question(tmp_path: Path, values: tuple[int, ...], guess: str) -> None:
    found = truth(tmp_path, numbers(*values))
    [question] = found.questions
    assert question.default is None
    assert f"{guess} stands at the borders. Which of them is background?" in question.text
    assert question.answers[guess] == {"mask": found.mask, "classes": found.classes}
    [other] = {"0", "2"} & question.answers.keys()
    assert question.answers[other]["mask"]["levels"][other] == "background"


def test_a_few_pixels_of_a_large_mask_are_a_lesion(tmp_path: Path) -> None:
    masks = [np.zeros((512, 768), np.uint8) for _ in range(4)]
    for mask in masks:
        mask[301:304, 401:404] = 255
    assert [each.value for each in truth(tmp_path, masks).meanings] == ["0", "255"]


def test_empty_masks_tell_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"every mask that was looked at \(4\) is empty"):
        truth(tmp_path, [np.zeros((40, 40), np.uint8)] * 4)


def test_an_image_of_the_background_in_a_bright_colour_is_a_question(tmp_path: Path) -> None:
    table = np.array([(0, 255, 0), (0, 0, 0)], np.uint8)
    found = truth(tmp_path, [table[disc(number, 0, 1)] for number in range(6)])
    [question] = found.questions
    assert list(question.answers) == ["#00ff00", "#000000"]


def colours(*rgb: tuple[int, int, int]) -> list[np.ndarray]:
    table = np.array([(0, 0, 0), *rgb], np.uint8)
    return [table[disc(number, *range(len(table)), size=64)] for number in range(12)]


def test_colours_are_named_and_the_border_is_background(tmp_path: Path) -> None:
    found = truth(tmp_path, colours((255, 0, 0), (0, 0, 255)))
    assert set(found.classes) == {"red", "blue"}
    table = found.mask["colours"]
    assert table == {"#000000": "background", "#ff0000": "red", "#0000ff": "blue"}


def test_what_jpeg_blends_is_no_class(tmp_path: Path) -> None:
    found = truth(tmp_path, [cv2.resize(each, (512, 512)) for each in colours((0, 255, 0))], ".jpg")
    assert list(found.mask["colours"].values()) == ["background", "foreground"]
    assert found.classes == []


def test_gray_jpeg_is_cut_in_the_middle(tmp_path: Path) -> None:
    assert truth(tmp_path, numbers(0, 255), ".jpg").mask["threshold"] in range(125, 131)


def test_pictures_of_masks_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"too many for classes .* pictures of masks"):
        truth(tmp_path, [rng.integers(0, 256, (40, 40, 3), np.uint8) for _ in range(4)])


def test_faint_masks_whose_channels_were_warped_alone_are_cut(tmp_path: Path) -> None:
    masks = []
    for number in range(6):
        plane = cv2.GaussianBlur(disc(number, 0, 255), (0, 0), 4) // 3
        masks.append(np.dstack([plane, plane, np.roll(plane, 1, axis=0)]))
    found = truth(tmp_path, masks)
    assert 5 < found.mask["threshold"] < 20
