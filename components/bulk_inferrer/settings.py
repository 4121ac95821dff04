"""What the bulk inferrer reads of a config."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from components.records.settings import Derivation
from components.settings import Section
from components.task import Task


class Robustness(Section):
    """Test images are answered once more for each key that is given, changed at the size at which records have them."""

    gamma: Annotated[float, Field(gt=0.05, lt=20)] | None = None
    """value ^ gamma, on values in 0..1: below 1 brightens, above 1 darkens."""
    noise: Annotated[float, Field(gt=0, le=1)] | None = None
    """Standard deviation of normal noise in each pixel, as a share of the largest value."""
    blur: Annotated[float, Field(gt=0, le=64)] | None = None
    """Standard deviation of a Gaussian in pixels."""
    jpeg: Annotated[int, Field(ge=1, le=100)] | None = None
    """Quality of a JPEG file that the image was; of 16 bit, its upper eight."""
    resolution: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Scale at which the image was taken, before it was enlarged to its size."""

    @property
    def asked(self) -> dict[str, Any]:
        """What is given, by name."""
        return {name: value for name, value in self if value is not None}


class InferrerSettings(Section):
    """Everything that answers depend on."""

    task: Task
    derivation: Derivation
    splits: list[str]
    """Whose images are asked about."""
    mirror: bool
    """Whether answers to mirrored windows are kept as well."""
    robustness: Robustness = Robustness()
    """What the images of the test split are changed by, to be asked about once more each."""
