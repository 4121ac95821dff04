"""The operations of `[augmentation]`, one class each: how often, and the ranges that are drawn from evenly.

Lengths are parts of the image's shorter side where nothing else is said.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self, TypeVar

import pydantic
from pydantic import AfterValidator, model_validator

from components.imaging.augmentation.fields import Field, distortion_from_fraction_blur, elastic_from_alpha_sigma
from components.imaging.augmentation.intensity import brightening
from components.settings import Probability, Section

_MOST_AMPLITUDE, _MOST_GRID = 0.25, 256


def _in_order(ends: list[float]) -> list[float]:
    if ends[0] > ends[1]:
        raise ValueError("expected the lower number first")
    return ends


Number = TypeVar("Number", bound=float)
Range = Annotated[list[Number], pydantic.Field(min_length=2, max_length=2), AfterValidator(_in_order)]
"""`[low, high]`."""

Angle = Annotated[float, pydantic.Field(ge=-180, le=180)]
Factor = Annotated[float, pydantic.Field(ge=0.1, le=10)]
Slope = Annotated[float, pydantic.Field(ge=-0.9, le=0.9)]
Amplitude = Annotated[float, pydantic.Field(ge=0, le=_MOST_AMPLITUDE)]
Intervals = Annotated[int, pydantic.Field(ge=1, le=_MOST_GRID)]
Radius = Annotated[float, pydantic.Field(ge=0.01, le=1)]
Smoothness = Annotated[float, pydantic.Field(ge=0.5, le=1000)]
Gain = Annotated[float, pydantic.Field(ge=0, le=4)]
Side = Annotated[int, pydantic.Field(ge=16, le=16384)]


class Operation(Section):
    probability: Probability
    neutral: ClassVar[Mapping[str, float]] = {}
    """The numbers with which it changes nothing."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        idle = [name for name, value in self.neutral.items() if getattr(self, name) in (value, [value, value])]
        if self.probability and idle and len(idle) == len(self.neutral):
            found = ", ".join(f"{name} = {getattr(self, name)}" for name in idle)
            raise ValueError(f"with {found} it changes nothing: state others, or remove it, or set probability = 0")
        return self


class OfOlderSystems(Operation):
    """An operation by other numbers than ours."""

    @abstractmethod
    def converted(self) -> Operation:
        """The operation that does what those systems really do."""


class Rotation(Operation):
    neutral = {"degrees": 0}
    degrees: Range[Angle] = [-15.0, 15.0]
    """Counter-clockwise, about the centre of the image."""


class Zoom(Operation):
    neutral = {"factor": 1}
    factor: Range[Factor] = [0.8, 1.2]
    """Above 1 enlarges, below 1 shrinks. From 0.55 on a lesion of radius 2 pixels keeps a pixel wherever it lies."""


class Shear(Operation):
    neutral = {"x": 0, "y": 0}
    x: Range[Slope] = [-0.1, 0.1]
    """Pixels to the right per pixel down."""
    y: Range[Slope] = [-0.1, 0.1]
    """Pixels down per pixel to the right."""


class Displacement(Operation):
    """A random smooth displacement, made weaker where it would fold the image."""

    neutral = {"amplitude": 0}
    amplitude: Range[Amplitude] = [0.002, 0.008]
    """Root mean square of its length."""
    grid: Intervals = 8
    """Intervals between its control points along the shorter side: more make it rougher."""


class ElasticInPixels(OfOlderSystems):
    """An elastic deformation by the numbers of older systems: noise blurred by `sigma`, times `alpha`."""

    alpha: Annotated[float, pydantic.Field(gt=0, le=1e6)]
    sigma: Smoothness
    size: Side = 512
    """Of the images that these pixels are counted in."""

    def converted(self) -> Displacement:
        return _displacement(self.probability, elastic_from_alpha_sigma(self.alpha, self.sigma, self.size))


class DistortionInPixels(OfOlderSystems):
    """A distortion by the numbers of older systems: the gradient of noise blurred by `blur`, `fraction` at the most."""

    fraction: Annotated[float, pydantic.Field(gt=0, lt=1)]
    blur: Smoothness
    size: Side = 512
    """Of the images that these pixels are counted in."""

    def converted(self) -> Displacement:
        return _displacement(self.probability, distortion_from_fraction_blur(self.fraction, self.blur, self.size))


class Barrel(Operation):
    """Magnifies the middle of a disc."""

    neutral = {"amount": 0}
    centre: Range[Probability] = [0.3, 0.7]
    """Row and column of the disc's centre, over the height and the width."""
    radius: Range[Radius] = [0.2, 0.4]
    amount: Range[Annotated[float, pydantic.Field(ge=0, le=2)]] = [0.1, 0.4]


class Pincushion(Operation):
    """Shrinks the middle of a disc: its centre to 0.03 ** amount, 0.55 at 0.17 and 0.35 at 0.3 (of older systems).

    Up to 0.17 a lesion of radius 2 pixels keeps a pixel wherever it lies, see `Warp`.
    """

    neutral = {"amount": 0}
    centre: Range[Probability] = [0.3, 0.7]
    radius: Range[Radius] = [0.2, 0.4]
    amount: Range[Annotated[float, pydantic.Field(ge=0, le=0.9)]] = [0.05, 0.17]


class Gamma(Operation):
    """value ** exponent, on values in 0..1."""

    neutral = {"exponent": 1}
    exponent: Range[Annotated[float, pydantic.Field(ge=0.05, le=20)]] = [0.7, 1.5]
    inverted: Probability = 0.0
    """Of those that it happens to, the share that becomes 1 - (1 - value) ** exponent instead."""


class Contrast(Operation):
    """factor * value, on values in 0..1."""

    neutral = {"factor": 1}
    factor: Range[Gain] = [0.75, 1.25]


class Brightness(Operation):
    """gain * value + offset, on values in 0..1."""

    neutral = {"gain": 1, "offset": 0}
    gain: Range[Gain] = [1.0, 1.0]
    offset: Range[Annotated[float, pydantic.Field(ge=-1, le=1)]] = [-0.1, 0.1]


class BrightnessInLevels(OfOlderSystems):
    """Brightness by the numbers of older systems: alpha * value + beta, on values in 0..255."""

    neutral = {"alpha": 1, "beta": 0}
    alpha: Gain
    beta: Annotated[float, pydantic.Field(ge=0, le=255)]

    def converted(self) -> Brightness:
        same = brightening(self.alpha, self.beta)
        gain, offset = [same.contrast] * 2, [same.brightness] * 2
        return Brightness(probability=self.probability, gain=gain, offset=offset)


class Clahe(Operation):
    """Contrast-limited adaptive histogram equalisation. It lifts black padding by clip + 1 levels of 255."""

    clip: Range[Annotated[float, pydantic.Field(ge=0.01, le=65536)]] = [1.0, 4.0]
    """Limit of a histogram's bins, as times their mean."""


class Sharpening(Operation):
    neutral = {"amount": 0}
    amount: Range[Annotated[float, pydantic.Field(ge=0, le=20)]] = [0.1, 0.5]
    """The k of the 3 x 3 kernel with 1 + 8k in the middle and -k around it, as in older systems."""


class Blur(Operation):
    neutral = {"sigma": 0}
    sigma: Range[Annotated[float, pydantic.Field(ge=0, le=0.25)]] = [0.001, 0.004]
    """Of a Gaussian."""


class LowResolution(Operation):
    neutral = {"scale": 1}
    scale: Range[Annotated[float, pydantic.Field(ge=0.01, le=1)]] = [0.4, 0.9]
    """The share of the resolution that is left, along each side."""


class Noise(Operation):
    neutral = {"sigma": 0}
    sigma: Range[Annotated[float, pydantic.Field(ge=0, le=1)]] = [0.005, 0.03]
    """Of Gaussian noise, independent in each pixel and channel, over the span of values. Cut off at black, it lifts
    black padding by 0.4 sigma on average."""


class Cutout(Operation):
    """Rectangles of the image's mean colour; the truth below them stays."""

    neutral = {"size": 0}
    count: Annotated[int, pydantic.Field(ge=1, le=64)] = 4
    size: Range[Probability] = [0.05, 0.15]
    """Of a side, over the height and the width."""


def _displacement(probability: float, drawn: Field) -> Displacement:
    if not drawn.amplitude:
        raise ValueError("these are a displacement of less than a pixel, which older systems cut to none: raise them")
    if drawn.amplitude > _MOST_AMPLITUDE or drawn.grid > _MOST_GRID:
        raise ValueError(
            f"these are an amplitude of {drawn.amplitude:.3g} and a grid of {drawn.grid}, "
            f"expected at most {_MOST_AMPLITUDE} and {_MOST_GRID}"
        )
    return Displacement(probability=probability, amplitude=[drawn.amplitude, drawn.amplitude], grid=drawn.grid)
