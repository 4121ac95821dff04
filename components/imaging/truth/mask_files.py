"""A mask file as class indices, by the rule that the config gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from components.imaging.files.codecs import Limits, decode_mask, read_content, with_header
from components.imaging.files.header import header_of
from components.imaging.files.limits import decode_within
from components.imaging.truth.classes import foreground
from components.imaging.truth.mask_images import MaskImage, read_image_mask
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.one_hot import one_hot_mask, read_one_hot
from components.imaging.truth.reading import MaskReading, ignoring, within
from components.imaging.truth.settings import Mask
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

_MIDDLE = 127


def read_mask(
    path: Path,
    settings: Mask,
    classes: Sequence[str],
    limits: Limits,
    region: np.ndarray | None = None,
    upright: bool = True,
) -> MaskReading:
    """Reads a mask file.

    Args:
        path: the file; `.npz` for one-hot masks, an image otherwise, or a DICOM segmentation, whatever the form: its
            segments are the classes of their labels, or united where there is one class.
        settings: the `[data.mask]` section of the config.
        classes: names of the classes 1, 2, ...; empty: one class, `foreground`.
        limits: what a file may take; a larger one is refused before it is decoded.
        region: bool `(H, W)`, outside of which the mask is ignored, whatever stands there.
        upright: whether the orientation that the file carries is applied.

    Raises:
        UnreadableImage: the file is missing, damaged or too large.
        UnclearMask: its classes cannot be told by the settings, or the region is of another size.
    """
    names = classes or ["foreground"]
    if (settings.form == "one_hot") != (path.suffix.lower() == ".npz"):
        raise UnclearMask(
            f'[data.mask] form = "{settings.form}" does not fit: "one_hot" is for .npz files, the others for images'
        )
    if settings.form == "one_hot":
        background = np.eye(1, 1 + len(names))[0]
        array = within(read_one_hot(path, 1 + len(names), limits.pixels), region, background)
        reading = MaskReading(one_hot_mask(array), rule="channels of an array")
    else:
        # It is read where it is decoded, and goes there once.
        content = read_content(path, limits)
        reading = decode_within(limits.seconds, _reading, content, settings, names, limits.pixels, region, upright)
    if region is not None:
        reading = replace(reading, classes=ignoring(reading.classes, ~region))
    return reading if cv2.countNonZero(foreground(reading.classes)) else replace(reading, rule="")


def _reading(
    content: bytes, settings: Mask, names: Sequence[str], max_pixels: int, region: np.ndarray | None, upright: bool
) -> MaskReading:
    header = header_of(content)
    if header.is_seg:
        return MaskReading(within(_segments(content, names, max_pixels), region, 0), rule="segments")
    file = MaskImage(content, header.lossy, Limits(max_pixels, math.inf), upright)
    reading = read_image_mask(file, settings, names, region)
    return replace(reading, orientation=header.orientation, placed=header.placed)


def _segments(content: bytes, names: Sequence[str], max_pixels: int) -> np.ndarray:
    """Class indices `(H, W)` uint8 of a DICOM segmentation."""
    from components.imaging.annotations.dicom_segments import read_seg, united  # pydicom, only where needed

    try:
        return read_seg(content, Task(classes=[*names]), max_pixels) if len(names) > 1 else united(content, max_pixels)
    except UnclearShape as error:
        raise UnclearMask(str(error)) from error


def read_region(path: Path, limits: Limits, upright: bool = True) -> tuple[np.ndarray, int]:
    """Where an image is judged, bool `(H, W)`: pixels of a file that are not black, of a JPEG above 127 in any channel;
    and the orientation that the file carries.

    Raises:
        UnreadableImage: the file is missing, damaged or too large.
    """
    content = read_content(path, limits)
    drawn, header = with_header(decode_mask, content, limits, upright)
    levels = drawn.pixels.reshape(*drawn.pixels.shape[:2], -1).max(axis=-1)
    return levels > (_MIDDLE if header.lossy else 0), header.orientation
