"""Lesions as a table, by hand and against scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from annotated import TASK, drawn, masks
from hypothesis import given
from skimage.measure import label, regionprops

from components.imaging.annotations.lesions import lesions_of, write_csv
from components.imaging.annotations.regions import regions_of
from components.imaging.slides.plane import Plane, plane_of
from components.predictions.answer import in_steps
from components.task import Task

MASK = drawn("11...", "1....", "...xx", "...22")


def planes(probability: np.ndarray) -> Callable[[int], Plane]:
    """Of each class index the last axis."""
    return lambda index: plane_of(in_steps(probability[..., index]))


def test_by_hand() -> None:
    probability = np.zeros((4, 5, 4), np.float32)
    probability[..., 1], probability[3, 3:, 2] = 0.5, (0.7, 0.9)
    lesions = lesions_of(regions_of(MASK), TASK, planes(probability), (0.1, 0.2))
    table = write_csv(("film.dcm", lesion) for lesion in lesions)
    assert table.splitlines() == [
        "image,number,class_name,x,y,x_mm,y_mm,area_px,extent_px,left,top,width,height,mean_probability",
        "film.dcm,1,benign,0.333,0.333,0.067,0.033,3,2,0,0,2,2,0.5",
        "film.dcm,2,malignant,3.5,3.0,0.7,0.3,2,2,3,3,2,1,0.8",
    ]


def test_what_is_not_known_is_empty() -> None:
    assert write_csv([("a", lesions_of(regions_of(MASK), TASK)[0])]).endswith(
        "\na,1,benign,0.333,0.333,,,3,2,0,0,2,2,\n"
    )


def test_each_band_is_unpacked_once_however_many_regions_lie_in_it() -> None:
    mask, probability = np.zeros((1100, 9), np.uint8), np.zeros((1100, 9, 3), np.float32)
    mask[500:520, ::2], mask[::7, 1] = 1, 2
    probability[:512, :, 1], probability[512:, :, 1], probability[..., 2] = 0.25, 0.5, 0.75
    asked: list[tuple[int, int]] = []

    def plane(index: int) -> Plane:
        of_class = planes(probability)(index)

        def band(number: int) -> np.ndarray:
            asked.append((index, number))
            return of_class.band(number)

        return replace(of_class, band=band)

    lesions = lesions_of(regions_of(mask), Task(classes=["a", "b"]), plane)
    assert asked == [(index, number) for index in (1, 2) for number in (0, 1, 2)]
    assert len(lesions) > 100
    # 12 rows of 0.25 and 8 of 0.5.
    assert {each.mean_probability for each in lesions} == {0.35, 0.75}


@given(masks((0, 1)))
def test_against_scikit_image(mask: np.ndarray) -> None:
    probability = np.random.default_rng(0).random((*mask.shape, 2), np.float32)
    theirs = regionprops(label(mask, connectivity=2), probability[..., 1])
    expected = sorted((found.area, *found.bbox, *found.centroid, found.mean_intensity) for found in theirs)
    lesions = lesions_of(regions_of(mask), Task(), planes(probability))
    ours = sorted(
        (
            each.area_px,
            each.top,
            each.left,
            each.top + each.height,
            each.left + each.width,
            each.y,
            each.x,
            each.mean_probability,
        )
        for each in lesions
    )
    np.testing.assert_allclose(np.array(ours), np.array(expected), atol=1e-3)
