"""What speaks against a label, by a model that has not learnt from it: that the model is sure, and disagrees."""

from __future__ import annotations

import numpy as np

from components.measures.calibration import Sums
from components.measures.comparison import Comparison


def doubt(seen: Comparison) -> float:
    """sum over pixels where label and prediction differ of |2 p - 1| / (pixels true + pixels predicted), in 0..1.

    1 - Dice, in which a pixel counts by how sure the model is of it: 0 where they agree, also on nothing; 1 where it is
    sure of the contrary of all that is true or predicted, as where a label of nothing lies on what it is sure to see.

    Raises:
        ValueError: there are no probabilities.
    """
    if seen.probability is None:
        raise ValueError("doubt needs probabilities, found none")
    true, positive = seen.true[seen.box], seen.positive[seen.box]
    sure = np.abs(2 * seen.probability[seen.box] - 1)
    contradicted = float(sure[true != positive].sum(dtype=np.float64))
    pixels = np.count_nonzero(true) + np.count_nonzero(positive)
    return contradicted / pixels if pixels else 0.0


def soft_dice(found: Sums) -> float:
    """2 sum(p y) / (sum p + sum y), y 1 where the class is true and else 0; 1 where nothing is true or probable."""
    size = found.everywhere + found.true
    return 2 * found.of_truth / size if size else 1.0
