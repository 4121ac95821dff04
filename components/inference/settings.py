"""`[inference]`: how answers become masks, each key given or to be chosen on validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from components.inference.operating_point import OperatingPoint, Pixels, Temperature, Threshold
from components.settings import Section

Auto = Literal["auto"]


class Inference(Section):
    """`auto`: chosen on validation, of folds out of fold, and kept only where it is better there outside the interval
    of the difference; with fewer than eight groups nothing is."""

    mirror: bool | Auto = "auto"
    """Average the answers to four mirrored forms of a window, at four times the time."""
    temperature: Temperature | Auto = "auto"
    """By which the logits of probabilities are divided, so that they say how sure the model may be."""
    threshold: Threshold | Auto = "auto"
    """Probability from which a pixel is predicted foreground; of several classes the most probable is predicted."""
    fill_holes: bool | Auto = "auto"
    """Fill holes that one class alone encloses."""
    least_region: Pixels | Auto = "auto"
    """Drop smaller regions: area in pixels at the scale at which the model sees the image."""
    largest: bool | Auto = "auto"
    """Keep of each class only its largest region."""

    @property
    def given(self) -> OperatingPoint:
        """What is not to be chosen, else what changes nothing."""
        return OperatingPoint(**{key: value for key, value in self if value != "auto"})

    @property
    def open(self) -> Iterator[str]:
        """The keys that are to be chosen."""
        return (key for key, value in self if value == "auto")

    @property
    def mirrors(self) -> bool:
        """Whether answers to mirrored windows are needed."""
        return self.mirror is not False
