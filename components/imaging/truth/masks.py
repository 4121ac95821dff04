"""Binary truth from grey mask images, and what is done with masks once they are class indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np

from components.imaging.files.codecs import unrepeated
from components.imaging.truth.classes import IGNORE, foreground
from components.imaging.truth.stray import Settled
from components.imaging.truth.unclear import unclear_colours, unclear_grey
from components.reason import Reason

_OUTLINE = 0.05
"""Disputed pixels per agreed one up to which channels, or masks of one image, may differ along outlines."""


class UnclearMask(Reason):
    """A mask whose classes cannot be told without a rule, or against the rule."""


def binary_mask(pixels: np.ndarray, threshold: int | Literal["otsu", "triangle"], *, lossy: bool = False) -> np.ndarray:
    """Background 0 and foreground 1, `(H, W)` uint8, of a gray `(H, W)` or gray-valued RGB `(H, W, 3)` mask image.

    With a number, foreground is `value >= threshold`. `otsu` (8 and 16 bit) and `triangle` find the threshold in the
    histogram, `triangle` in that of the values scaled to 0..255 by the greatest. Both split whatever they are given,
    also the noise of a mask without foreground, unless it has one value only: 0 is background, another foreground.

    Raises:
        UnclearMask: colours.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return _agreed(_thresholded(pixels, threshold), pixels, lossy=lossy)


def two_values(pixels: np.ndarray, max_stray: float = 0.0) -> Settled:
    """Gray `(H, W)` or gray-valued RGB `(H, W, 3)` of an exact format as 0 and the most frequent other value: what is
    neither counts as the nearer one, of two equally near as 0.

    Args:
        pixels: uint8 or uint16.
        max_stray: share of the pixels, 0 to 1, up to which they may have other values.

    Raises:
        UnclearMask: colours, or more other values than that; where there are any, 0 must be more than stray itself.
    """
    plane = pixels.reshape(len(pixels), -1)
    if not plane.any() or cv2.countNonZero(plane) == np.count_nonzero(plane == plane.max()):
        return Settled(pixels)
    grey = unrepeated(pixels)
    if grey.ndim == 3:
        raise UnclearMask(unclear_colours(pixels))
    counts = np.bincount(grey.ravel())
    level = 1 + int(counts[1:].argmax())
    stray = (grey != 0) & (grey != level)
    if stray.mean() > max_stray or counts[0] <= max_stray * grey.size:
        raise UnclearMask(unclear_grey(grey, stray, max_stray))
    return Settled((grey > level // 2) * grey.dtype.type(level), float(stray.mean()))


def _thresholded(pixels: np.ndarray, threshold: int | str) -> np.ndarray:
    if isinstance(threshold, int):
        if threshold > np.iinfo(pixels.dtype).max:
            raise UnclearMask(f"[data.mask] threshold {threshold} is out of reach of its {pixels.dtype} values")
        return pixels >= threshold
    plane = pixels.reshape(len(pixels), -1)
    if threshold == "otsu":
        _, above = cv2.threshold(plane, 0, 1, cv2.THRESH_OTSU)
    else:
        # OpenCV knows the triangle for 8 bit only, and finds nothing between neighbouring values.
        scaled = cv2.convertScaleAbs(plane, alpha=255 / max(1, plane.max()))
        _, above = cv2.threshold(scaled, 0, 1, cv2.THRESH_TRIANGLE)
    return above.reshape(pixels.shape) > 0


def _agreed(channels: np.ndarray, pixels: np.ndarray, *, lossy: bool = False) -> np.ndarray:
    """What most channels of a `(H, W, C)` boolean array, made of `pixels`, say, if they differ along outlines only.

    Masks that were warped channel by channel do so. A coloured mask differs all over a region: to threshold it
    would keep some classes and lose others.
    """
    count = channels.shape[-1]
    if count == 1:
        return channels[..., 0].astype(np.uint8)
    votes = np.count_nonzero(channels, axis=-1)
    agreed, disputed = votes == count, (votes > 0) & (votes < count)
    near = cv2.dilate(agreed.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if (disputed & ~near).any() or disputed.sum() > _OUTLINE * agreed.sum():
        raise UnclearMask(unclear_colours(pixels, lossy=lossy))
    return (2 * votes > count).astype(np.uint8)


def merge(masks: Sequence[np.ndarray], classes: Sequence[int] = ()) -> np.ndarray:
    """Class indices `(H, W)` uint8 of an image that has several masks of class indices, 0 for background.

    What one of them ignores is ignored.

    Args:
        masks: `(H, W)` uint8 each, at least one.
        classes: the class of each mask's foreground; empty: the classes that stand in the masks.

    Outlines drawn one by one overlap by a pixel or two: there the mask with the smaller foreground lies on top.

    Raises:
        UnclearMask: the masks differ in size, or pixels have two classes over more than an outline: more than 2
            pixels wide, or more than 5 % of the foreground of the mask below.
    """
    if len({mask.shape for mask in masks}) > 1:
        raise UnclearMask(
            f"its masks differ in size: {', '.join(f'{mask.shape[1]} x {mask.shape[0]}' for mask in masks)}"
        )
    # A pixel that one of them does not judge cannot be told from the others.
    ignored = np.logical_or.reduce([mask == IGNORE for mask in masks])
    layers = [np.where(ignored, 0, mask) for mask in masks] if ignored.any() else masks
    if classes:
        layers = [(layer > 0) * np.uint8(index) for layer, index in zip(layers, classes, strict=True)]
    merged = _merged(layers)
    return np.where(ignored, np.uint8(IGNORE), merged) if ignored.any() else merged


def _merged(layers: Sequence[np.ndarray]) -> np.ndarray:
    if len(layers) == 1:
        return layers[0]
    areas = [np.count_nonzero(layer) for layer in layers]
    merged = np.zeros(layers[0].shape, np.uint8)
    disputed = np.zeros(merged.shape, bool)
    for index in np.argsort(areas, kind="stable")[::-1]:
        layer = layers[index]
        disputed |= (merged > 0) & (layer > 0) & (merged != layer)
        np.copyto(merged, layer, where=layer > 0)
    if disputed.any():
        wide = cv2.erode(np.pad(disputed, 1).astype(np.uint8), np.ones((3, 3), np.uint8)).any()
        hidden = [np.count_nonzero((layer > 0) & (merged != layer)) for layer in layers]
        if wide or any(loss > _OUTLINE * area for loss, area in zip(hidden, areas, strict=True)):
            raise UnclearMask(
                f"{np.count_nonzero(disputed)} pixels have two classes in its masks, expected overlaps along outlines "
                "only: cut one class out of the other"
            )
    return merged


def inflation(pixels: np.ndarray, mask: np.ndarray) -> float | None:
    """Area of the foreground of a lossy mask under the rule it was read by, per area at the midpoint of its levels.

    JPEG blurs an edge and rings beside it symmetrically about the midpoint of the two levels it separates, so that the
    midpoint restores the area, whereas `value >= 1` counts all the ringing in. The levels are the medians of the
    pixels below and above the middle of the range of values. It holds for masks of two levels in regions larger than
    the ringing, some 8 pixels; of thin lines and of several grey classes it says little.

    Args:
        pixels: gray `(H, W)`, uint8, as decoded.
        mask: `(H, W)`, foreground above 0.

    Returns:
        1 where the rule changes nothing, 1.7 where it adds 70 % to the area; None without foreground.
    """
    area = np.count_nonzero(mask)
    if not area:
        return None
    lowest, highest = int(pixels.min()), int(pixels.max())
    if lowest == highest:
        return 1.0
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256])[:, 0]
    middle = (lowest + highest) // 2
    low, high = _median(counts[: middle + 1]), middle + 1 + _median(counts[middle + 1 :])
    return float(area / counts[(low + high) // 2 + 1 :].sum())


def _median(counts: np.ndarray) -> int:
    """The median value of a histogram."""
    cumulative = np.cumsum(counts)
    return int(np.searchsorted(cumulative, cumulative[-1] / 2))


def component_count(mask: np.ndarray) -> int:
    """Number of 8-connected regions of foreground, of any class, of class indices `(H, W)` uint8."""
    lesions = foreground(mask)
    left, top, width, height = cv2.boundingRect(lesions)
    if not width:
        return 0
    # Lesions are small: within their bounding box there is less to label.
    count, _ = cv2.connectedComponents(lesions[top : top + height, left : left + width], connectivity=8)
    return count - 1
