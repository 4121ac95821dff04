"""What the augmentor reads of a config beside `[augmentation]`."""

from __future__ import annotations

from components.records.split_settings import FoldCount
from components.settings import Probability, Section


class FoldTraining(Section):
    """What is learnt from the records of folds: each fold is measured whole, but not all of it trained on."""

    k: FoldCount
    keep_empty: Probability
    """Share of the records without foreground that is learnt from."""
    salt: str
    """Changes which ones."""
