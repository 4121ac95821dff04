"""Measures of arrays that people give: what is no class index is named, not measured."""

import numpy as np
import pytest

from components.measures.measured import measured

TRUTH = np.array([[1, 1, 0, 255]], np.uint8)


def test_by_hand() -> None:
    found = measured(TRUTH, np.array([[1, 0, 1, 1]], np.uint8), 1)
    assert {name: found[name] for name in ("dice", "iou", "precision")} == pytest.approx(
        {"dice": 0.5, "iou": 1 / 3, "precision": 0.5}
    )


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        (TRUTH, np.float32([[0.9, 0.1, 0.5, 0.5]]), r"predicted: found float32 \(1, 4\), expected class indices"),
        (TRUTH, TRUTH[..., None], r"predicted: found uint8 \(1, 4, 1\)"),
        (TRUTH, TRUTH[0], r"predicted: found uint8 \(4,\)"),
        (TRUTH, np.array([[255, 0, 0, 0]], np.uint8), "255 is no class: divide masks of 0 and 255 by 255"),
        (np.full((1, 4), 255, np.uint8), np.zeros((1, 4), np.uint8), "255 is no class"),
    ],
)
def test_what_is_no_class_index_is_named(truth: np.ndarray, predicted: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measured(truth, predicted, 1)
