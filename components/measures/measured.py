"""Every measure of one prediction."""

from __future__ import annotations

import numpy as np

from components.imaging.truth.classes import IGNORE, judged
from components.measures.all import class_measures
from components.measures.comparison import Comparison


def measured(truth: np.ndarray, predicted: np.ndarray, index: int) -> dict[str, float]:
    """By name, of the class `index` of two `(H, W)` arrays of class indices; 255 in truth is not judged.

    Raises:
        ValueError: they are no class indices of one image, or nothing is judged.
    """
    for name, array in (("truth", truth), ("predicted", predicted)):
        if array.dtype.kind not in "biu" or array.ndim != 2 or array.shape != truth.shape:
            raise ValueError(
                f"{name}: found {array.dtype} {array.shape}, expected class indices (H, W) of one image. Take "
                "`prediction.classes`; probabilities become classes by a threshold"
            )
    if (predicted == IGNORE).any() or not judged(truth).any():
        raise ValueError("255 is no class: divide masks of 0 and 255 by 255. In truth it marks what is not judged")
    seen = Comparison(truth, predicted, index)
    return {measure.name: measure.value(seen, "zero_if_predicted") for measure in class_measures()}
