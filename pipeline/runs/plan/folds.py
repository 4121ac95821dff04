"""Whether a data set is so small that it takes folds to say what a model is worth."""

from __future__ import annotations

from components.records.splits import SPLITS

FEW_GROUPS = 30
LEAST_IN_SPLIT = 3
"""Groups of a split, as the data gate has it."""
_MOST_FOLDS = 5


def folds_for(groups: int, tested: int) -> int:
    """The number of folds for so many groups, of which some are tested on; 0: one training says enough, or there are
    too few for any."""
    k = min(_MOST_FOLDS, (groups - tested) // LEAST_IN_SPLIT)
    return k if LEAST_IN_SPLIT * len(SPLITS) <= groups < FEW_GROUPS and k > 1 else 0
