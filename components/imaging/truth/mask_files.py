"""A mask file as class indices, by the rule that the config gives."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from components.foreign import foreign
from components.imaging.files.codecs import (
    Drawn,
    UnreadableImage,
    decode_indices,
    decode_mask,
    is_lossy,
    orientation_of,
    read_content,
    with_channels,
)
from components.imaging.files.orientation import UPRIGHT
from components.imaging.truth.classes import IGNORE, foreground
from components.imaging.truth.mask_forms import colour_mask, index_mask, one_hot_mask
from components.imaging.truth.masks import UnclearMask, binary_mask, inflation
from components.imaging.truth.settings import Mask

_MEMBER = "mask.npy"
_NPY: Any = np.lib.format  # NumPy 1.26 does not type it
_READ_HEADER = {(1, 0): _NPY.read_array_header_1_0, (2, 0): _NPY.read_array_header_2_0}

_MIDDLE = 127
_BYTES_PER_PIXEL = 8


@dataclass(frozen=True)
class MaskReading:
    """What a mask file says."""

    classes: np.ndarray
    """Class indices `(H, W)`, uint8; 0 is background, 255 is not judged."""
    inflation: float | None = None
    """Of a JPEG mask: see `components.imaging.truth.masks.inflation`."""
    rule: str = ""
    """What was taken for foreground, for people; empty where there is none."""
    orientation: int = UPRIGHT
    """That the file carries, 1 to 8 as in EXIF, applied or not."""


def read_mask(
    path: Path,
    settings: Mask,
    classes: Sequence[str],
    max_pixels: int,
    region: np.ndarray | None = None,
    upright: bool = True,
) -> MaskReading:
    """Reads a mask file.

    Args:
        path: the file; `.npz` for one-hot masks, an image otherwise.
        settings: the `[data.mask]` section of the config.
        classes: names of the classes 1, 2, ...; empty: one class, `foreground`.
        max_pixels: larger files are refused before they are decoded.
        region: bool `(H, W)`, outside of which the mask is ignored, whatever stands there.
        upright: whether the orientation that the file carries is applied.

    Raises:
        UnreadableImage: the file is missing, damaged or too large.
        UnclearMask: its classes cannot be told by the settings, or the region is of another size.
    """
    names = ["background", *(classes or ["foreground"])]
    if (settings.form == "one_hot") != (path.suffix.lower() == ".npz"):
        raise UnclearMask(
            f'[data.mask] form = "{settings.form}" does not fit: "one_hot" is for .npz files, the others for images'
        )
    if settings.form == "one_hot":
        background = np.eye(1, len(names))[0]
        array = _within(read_one_hot(path, len(names), max_pixels), region, background)
        reading = MaskReading(one_hot_mask(array), rule="channels of an array")
    else:
        file = _File(read_content(path, max_pixels), is_lossy(path), max_pixels, upright)
        reading = replace(_read_image(file, settings, names, region), orientation=orientation_of(file.content))
    if region is not None:
        reading = replace(reading, classes=_ignoring(reading.classes, ~region))
    return reading if cv2.countNonZero(foreground(reading.classes)) else replace(reading, rule="")


def read_region(path: Path, max_pixels: int, upright: bool = True) -> tuple[np.ndarray, int]:
    """Where an image is judged, bool `(H, W)`: pixels of a file that are not black, of a JPEG above 127 in any channel;
    and the orientation that the file carries.

    Raises:
        UnreadableImage: the file is missing, damaged or too large.
    """
    content = read_content(path, max_pixels)
    pixels = decode_mask(content, max_pixels, upright).pixels
    inside = pixels.reshape(*pixels.shape[:2], -1).max(axis=-1) > (_MIDDLE if is_lossy(path) else 0)
    return inside, orientation_of(content)


@dataclass(frozen=True)
class _File:
    """A mask file that is an image."""

    content: bytes
    lossy: bool
    max_pixels: int
    upright: bool

    def indices(self) -> np.ndarray:
        return decode_indices(self.content, self.max_pixels, self.upright)

    def drawn(self) -> Drawn:
        return decode_mask(self.content, self.max_pixels, self.upright)


def _read_image(file: _File, settings: Mask, names: Sequence[str], region: np.ndarray | None) -> MaskReading:
    form = settings.form
    if file.lossy and (form == "indices" or settings.ignore is not None):
        key = 'form = "indices"' if form == "indices" else f"ignore = {settings.ignore}"
        raise UnclearMask(f"a JPEG mask has no exact values for [data.mask] {key}: use PNG")
    if form == "indices":
        pixels, ignored = _without_level(_within(file.indices(), region, 0), settings.ignore)
        return MaskReading(_ignoring(index_mask(pixels, len(names) - 1), ignored), rule="class indices")
    drawn = file.drawn()
    if form == "colours":
        return _by_colour(drawn.pixels, settings, names, region, lossy=file.lossy)
    if region is not None and isinstance(settings.threshold, str):
        raise UnclearMask(
            f'[data.mask] threshold = "{settings.threshold}" looks at all pixels, also at those outside of its region: '
            "give a number"
        )
    pixels, ignored = _without_level(_within(drawn.pixels, region, 0), settings.ignore)
    mask = binary_mask(pixels, settings.threshold, lossy=file.lossy)
    if settings.foreground == "dark":
        mask ^= 1
    rule = _rule(settings, pixels) + (f" of its {drawn.where}" if drawn.where else "")
    if not file.lossy:
        return MaskReading(_ignoring(mask, ignored), rule=rule)
    seen = slice(None) if region is None else region
    levels = with_channels(pixels if settings.foreground == "bright" else np.invert(pixels), 1)
    return MaskReading(mask, inflation(levels[seen], mask[seen]), rule)


def _by_colour(
    pixels: np.ndarray, settings: Mask, names: Sequence[str], region: np.ndarray | None, *, lossy: bool
) -> MaskReading:
    colours = _colour_classes(settings.colours, names)
    mask = colour_mask(
        _within(with_channels(pixels, 3), region, _rgb(next(iter(colours)))), colours, settings.max_colour_distance
    )
    rule = f"colours near {', '.join(colour for colour, index in colours.items() if 0 < index < IGNORE)}"
    # The nearest colour is the midpoint rule itself, by which inflation is measured.
    return MaskReading(mask, 1.0 if lossy and foreground(mask).any() else None, rule)


def _rule(settings: Mask, pixels: np.ndarray) -> str:
    """Which grey values are foreground."""
    bright, threshold = settings.foreground == "bright", settings.threshold
    if threshold is None:
        return f"grey value {pixels.max() if bright else 0}"
    if isinstance(threshold, int):
        return f"grey values {'from' if bright else 'below'} {threshold}"
    return f"grey values {'above' if bright else 'below'} a threshold ({threshold})"


def _within(pixels: np.ndarray, region: np.ndarray | None, value: Any) -> np.ndarray:
    """`(H, W[, C])` with one value outside of a region, so that what stands there can be no fault."""
    if region is None:
        return pixels
    if region.shape != pixels.shape[:2]:
        (height, width), (own_height, own_width) = region.shape, pixels.shape[:2]
        raise UnclearMask(f"it is {own_width} x {own_height} pixels, its region {width} x {height}")
    within = pixels.copy()
    within[~region] = value
    return within


def _without_level(pixels: np.ndarray, level: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    """`(H, W[, C])` with 0 in place of a level, and where that was, bool `(H, W)`."""
    if level is None:
        return pixels, None
    ignored = (pixels == level).reshape(*pixels.shape[:2], -1).all(axis=-1)
    without = pixels.copy()
    without[ignored] = 0
    return without, ignored


def _ignoring(classes: np.ndarray, ignored: np.ndarray | None) -> np.ndarray:
    return classes if ignored is None else np.where(ignored, np.uint8(IGNORE), classes)


def _rgb(colour: str) -> list[int]:
    return [int(colour[index : index + 2], 16) for index in (1, 3, 5)]


def _colour_classes(colours: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    if not colours:
        raise UnclearMask('[data.mask] colours is empty, expected colours such as "#ff0000" = "tumour"')
    for colour, name in colours.items():
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour) or name not in (*names, "ignore"):
            raise UnclearMask(
                f'[data.mask] colours has "{colour}" = "{name}", expected "#rrggbb" = one of {", ".join(names)}, ignore'
            )
    return {colour: IGNORE if name == "ignore" else names.index(name) for colour, name in colours.items()}


def read_one_hot(path: Path, channels: int, max_pixels: int) -> np.ndarray:
    """The array `mask` of an `.npz` file, `(H, W, channels)` of numbers; its header is checked before it is unpacked.

    Raises:
        UnreadableImage: the file is missing, damaged or too large.
        UnclearMask: it has no array `mask`, or one of another shape or type.
    """
    with foreign(UnreadableImage, "not a whole .npz file", UnclearMask), zipfile.ZipFile(path) as archive:
        if _MEMBER not in archive.namelist():
            raise UnclearMask(f"has no array `mask`, but {', '.join(archive.namelist()) or 'nothing'}")
        with archive.open(_MEMBER) as member:
            shape, _, dtype = _READ_HEADER[_NPY.read_magic(member)](member)
        if len(shape) != 3 or shape[2] != channels or dtype.kind not in "biuf":
            raise UnclearMask(
                f"its array `mask` has the shape {shape} of {dtype}, expected numbers of the shape (height, width, "
                f"{channels}): background and each of [data] classes"
            )
        size = shape[0] * shape[1]
        if not 0 < size <= max_pixels or size * shape[2] * dtype.itemsize > _BYTES_PER_PIXEL * max_pixels:
            raise UnreadableImage(
                f"has {shape[1]} x {shape[0]} pixels of {shape[2]} {dtype}, expected 1 to {max_pixels} pixels in "
                f"{_BYTES_PER_PIXEL * max_pixels} bytes: store bool or uint8, or raise [data] max_megapixels"
            )
        with archive.open(_MEMBER) as member:
            return _NPY.read_array(member, allow_pickle=False)
