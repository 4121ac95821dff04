"""The photometric half of augmentation: changes of an image's values that leave every pixel where it is.

A mask has no part in them: there is no way to hand one over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from components.imaging.adjust import Tones, toned
from components.imaging.augmentation.photometry import blurred, coarsened, contrast_limited, cut_out, noisy, sharpened

Rectangle = tuple[float, float, float, float]
"""Top, left, height and width over the height and the width of the image, 0 to 1."""

LIMITS: Mapping[str, tuple[float, float]] = {
    "gamma": (0.05, 20),
    "inverted_gamma": (0.05, 20),
    "contrast": (0, 20),
    "brightness": (-1, 1),
    "clahe_clip": (0.01, 65536),
    "sharpening": (0, 20),
    "blur": (0, 0.25),
    "low_resolution": (0.01, 1),
    "noise": (0, 1),
}
"""Least and largest value of the numbers of an `Intensity`."""


@dataclass(frozen=True)
class Intensity:
    """What happens to an image's values, in this order: tones, CLAHE, sharpening, blur, resolution, noise, cut-outs.

    Noise comes after all that would amplify or smooth it, so it has the strength that is stated.

    All pixels are changed alike, the black around a letterbox included, as a film's own black is. Gammas, contrast,
    sharpening, blur and low resolution leave black areas black; brightness, CLAHE and noise may lift them. In a
    letterbox's padding, CLAHE lifts by clip + 1 levels of 255 (2, 3, 5 for clips of 1, 2, 4: what is cut off a tile's
    only bin is spread over all), and noise by 0.4 sigma on average: half a level for sigma 0.005, 3 for 0.03, where
    single pixels reached 33.
    """

    gamma: float = 1.0
    """value ** gamma, on values in 0..1. Above 1 darkens."""
    contrast: float = 1.0
    """contrast * value + brightness, on values in 0..1."""
    brightness: float = 0.0
    clahe_clip: float | None = None
    """Clip limit of contrast-limited adaptive histogram equalisation, as times the mean of the histogram."""
    sharpening: float = 0.0
    """The k of the 3 x 3 kernel with 1 + 8k in the middle and -k around it."""
    blur: float = 0.0
    """Standard deviation of a Gaussian over the shorter side of the image: 0.002 is 1 pixel of 512."""
    low_resolution: float = 1.0
    """The share of the resolution that is left, along each side."""
    noise: float = 0.0
    """Standard deviation of Gaussian noise, independent in each pixel and channel, over the span of values."""
    noise_seed: int = 0
    cutouts: tuple[Rectangle, ...] = ()
    """What is replaced by the mean colour of the image, as in DeVries and Taylor 2017.

    The truth stays as it is: the lesion is still there, behind something, and a model has to conclude it from what
    surrounds it. So there is no form that clears the mask too, which would teach that hidden tissue is healthy. Keep
    the rectangles smaller than the lesions: one that is hidden as a whole cannot be found.
    """
    inverted_gamma: float = 1.0
    """1 - (1 - value) ** inverted_gamma, on values in 0..1, before the other tones. Above 1 brightens."""

    def __post_init__(self) -> None:
        for name, (least, largest) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= largest:
                raise ValueError(f"{name} {value}: expected {least} to {largest}")
        if self.noise_seed < 0:
            raise ValueError(f"noise_seed {self.noise_seed}: expected 0 or more")
        for rectangle in self.cutouts:
            if not all(0 <= number <= 1 for number in rectangle):
                raise ValueError(f"cut-out {rectangle}: expected top, left, height and width over the image's, 0 to 1")

    def apply(self, image: np.ndarray) -> np.ndarray:
        """`(H, W)` or `(H, W, C)` with one or three channels, uint8 or uint16: the same shape and type.

        The input is not changed; it is returned itself where nothing is to be done.
        """
        plane = image[..., 0] if image.shape[2:] == (1,) else image
        changed = self._changed(plane)
        return image if changed is plane else changed.reshape(image.shape)

    def as_json(self) -> dict[str, Any]:
        """What the record keeps: with the image, enough to make the same pixels again.

        Bit for bit on the same kind of processor with the same versions of NumPy, SciPy and OpenCV.
        """
        values = {**asdict(self), "cutouts": [list(rectangle) for rectangle in self.cutouts]}
        if self.inverted_gamma == 1:
            # Records from before there was one, and of those who do not want it, are the same.
            del values["inverted_gamma"]
        return {"kind": "intensity", **values}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The change that gave `as_json`."""
        plain = {name: value for name, value in values.items() if name != "kind"}
        return cls(**{**plain, "cutouts": tuple(tuple(rectangle) for rectangle in plain["cutouts"])})

    def _changed(self, image: np.ndarray) -> np.ndarray:
        if self.inverted_gamma != 1:
            image = ~toned(~image, Tones(self.inverted_gamma))
        image = toned(image, Tones(self.gamma, self.contrast, self.brightness))
        if self.clahe_clip is not None:
            image = contrast_limited(image, self.clahe_clip)
        if self.sharpening:
            image = sharpened(image, self.sharpening)
        if self.blur:
            image = blurred(image, self.blur * min(image.shape[:2]))
        if self.low_resolution < 1:
            image = coarsened(image, self.low_resolution)
        if self.noise:
            image = noisy(image, self.noise, self.noise_seed)
        return cut_out(image, self.cutouts) if self.cutouts else image


def brightening(alpha: float, beta: float) -> Intensity:
    """The change that older systems describe as |alpha * value + beta| on values of 0..255, the same to the level.

    Their sharpening by k is `Intensity(sharpening=k)`.

    Raises:
        ValueError: a negative number, which the absolute value would mirror to bright, or one beyond `LIMITS`.
    """
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(f"brightening by alpha {alpha}, beta {beta}: expected 0 or more, negative values are mirrored")
    return Intensity(contrast=alpha, brightness=beta / 255)
