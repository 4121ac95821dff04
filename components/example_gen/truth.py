"""Reads what a sample's files, or the shapes of its drawing, say of its image."""

from __future__ import annotations

import filecmp
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from components.example_gen.drawing import place, same_aspect
from components.example_gen.samples import Drawing, Sample
from components.example_gen.settings import DataSettings
from components.example_gen.turns import Turns, advice_on_sizes, why_unclear
from components.example_gen.unusable import Unusable
from components.imaging.files.codecs import UnreadableImage
from components.imaging.files.orientation import UPRIGHT
from components.imaging.truth.classes import IGNORE, judged
from components.imaging.truth.mask_files import read_mask, read_region
from components.imaging.truth.masks import UnclearMask, merge
from components.imaging.truth.outline import reaches_beyond
from components.imaging.truth.reading import MaskReading
from components.imaging.truth.shapes import UnclearShape, rasterized


@dataclass(frozen=True)
class Truth:
    """What an image shows, at the size of its files."""

    classes: np.ndarray
    """`(H, W)` uint8 class indices, 255 where it is not judged."""
    turns: Turns
    inflation: float | None = None
    """Of lossy masks: the greatest, see `components.imaging.truth.masks.inflation`."""
    stray: float = 0.0
    """Of a mask file, the greatest: see `components.imaging.truth.reading.MaskReading`."""
    cut_off: int = 0
    """How many of what was drawn reach beyond the image."""
    smallest_lesion: float = math.inf
    """Least extent of what was drawn, in pixels."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """What was taken for foreground in its mask files, and the first of them; nothing of a drawing."""


@dataclass(frozen=True)
class Picture:
    """What must be known of an image to read its truth."""

    sample: Sample
    shape: tuple[int, int]
    """Height and width, as read."""
    orientation: int
    """That its file carries."""
    placed: bool = False
    """Whether its file tells where in a patient its pixels lie."""


def read_truth(root: Path, picture: Picture, data: DataSettings) -> Truth:
    """Reads the truth of an image.

    Raises:
        Unusable: an unreadable or too large file, unclear classes, sizes that differ, a drawing outside the image,
            nothing that is judged, a mask that is the image, orientations that do not tell how the two lie.
    """
    sample = picture.sample
    inside, region = _region(root, picture, data)
    if isinstance(sample.truth, Drawing):
        truth = _drawn(picture, sample.truth, inside, region)
        parts = {"": (UPRIGHT, truth.classes)}
    else:
        for path in sample.truth.paths:
            if _same_content(root / path, root / sample.image):
                raise Unusable("mask is the image", f"its mask {path} is the same file: put the mask there")
        fitted = sample.truth.fitted
        readings = {path: _mask(root, path, picture, inside, data, fitted=fitted) for path in sample.truth.paths}
        truth = _merged(picture, sample.truth.classes, readings, region)
        parts = {
            path: (reading.orientation, reading.classes)
            for path, reading in readings.items()
            # Two that tell where they lie in a patient lie on each other, whatever each of them carries.
            if not (picture.placed and reading.placed)
        }
    if inside is not None:
        parts |= {path: (turn, inside.view(np.uint8)) for path, turn in region.items()}
    if not judged(truth.classes).any():
        within = f" within its region {sample.region}" if sample.region else ""
        raise Unusable("nothing is judged", f"its truth ignores every pixel{within}")
    if data.orientation is None and (why := why_unclear(picture.orientation, parts)):
        raise Unusable("orientation", why, truth.turns)
    return truth


def _drawn(picture: Picture, drawing: Drawing, region: np.ndarray | None, turns: Mapping[str, int]) -> Truth:
    height, width = picture.shape
    try:
        shapes = place(drawing, height, width)
        cut_off = sum(reaches_beyond(shape.outline, height, width) for shape in shapes)
        smallest = min((shape.extent for shape in shapes), default=math.inf)
        classes = rasterized(height, width, shapes)
        for inside in (region, _drawn_region(drawing, height, width)):
            classes = classes if inside is None else np.where(inside, classes, np.uint8(IGNORE))
    except UnclearShape as error:
        raise Unusable("truth", str(error)) from error
    return Truth(classes, Turns(picture.orientation, turns), cut_off=cut_off, smallest_lesion=smallest)


def _merged(
    picture: Picture, classes: tuple[int, ...], readings: Mapping[str, MaskReading], region: Mapping[str, int]
) -> Truth:
    try:
        truth = merge([reading.classes for reading in readings.values()], classes)
    except UnclearMask as error:
        raise Unusable("unclear mask", f"{', '.join(readings)}: {error}") from error
    inflations = [reading.inflation for reading in readings.values() if reading.inflation is not None]
    turns = {path: reading.orientation for path, reading in readings.items()}
    return Truth(
        truth,
        Turns(picture.orientation, {**turns, **region}),
        max(inflations, default=None),
        max(reading.stray for reading in readings.values()),
        # The first file of each rule stands last, and stays.
        rules={reading.rule: path for path, reading in reversed([*readings.items()]) if reading.rule},
    )


def _region(root: Path, picture: Picture, data: DataSettings) -> tuple[np.ndarray | None, dict[str, int]]:
    """Where the image is judged, bool `(H, W)`, None for everywhere; and the orientation of the file that tells it."""
    path = picture.sample.region
    if not path:
        return None, {}
    try:
        region, turn = read_region(root / path, data.limits, data.upright)
    except UnreadableImage as error:
        raise Unusable("unreadable", f"{path}: {error}") from error
    _check_size("region", path, region, turn, picture, data)
    return region, {path: turn}


def _drawn_region(drawing: Drawing, height: int, width: int) -> np.ndarray | None:
    if drawing.region is None:
        return None
    return rasterized(height, width, place(replace(drawing, shapes=(drawing.region,)), height, width)) > 0


def _mask(
    root: Path, path: str, picture: Picture, region: np.ndarray | None, data: DataSettings, *, fitted: bool
) -> MaskReading:
    try:
        reading = read_mask(root / path, data.mask, data.classes, data.limits, region, data.upright)
    except UnreadableImage as error:
        raise Unusable("unreadable", f"{path}: {error}") from error
    except UnclearMask as error:
        raise Unusable("unclear mask", f"{path}: {error}") from error
    height, width = reading.classes.shape
    if fitted and same_aspect((height, width), picture.shape):
        resized = cv2.resize(reading.classes, picture.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        reading = replace(reading, classes=resized)
    _check_size("mask", path, reading.classes, reading.orientation, picture, data)
    return reading


def _check_size(kind: str, path: str, found: np.ndarray, turn: int, picture: Picture, data: DataSettings) -> None:
    if found.shape == picture.shape:
        return
    (height, width), (own_height, own_width) = picture.shape, found.shape
    advice = advice_on_sizes((picture.shape, picture.orientation), (found.shape, turn), upright=data.upright)
    raise Unusable(
        "sizes differ",
        f"the image is {width} x {height} pixels, its {kind} {path} {own_width} x {own_height}{advice}",
        Turns(picture.orientation, {path: turn}),
    )


def _same_content(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False  # said by those who read them
