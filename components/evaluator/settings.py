"""What the evaluator reads of a config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings import Positive, Probability, Section


class Evaluation(Section):
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability from which a pixel is predicted foreground."""
    empty_masks: Literal["skip", "zero_if_predicted"] = "skip"
    """Dice of a case without foreground: left out of the mean, or 1 when nothing is predicted and 0 otherwise."""
    min_dice: Probability = 0.0
    max_loss: Annotated[float, Field(gt=0)] | None = None
    min_dice_change: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Least difference of the mean Dice to the champion's, both measured now on the same cases."""
    min_cases: Positive = 1
