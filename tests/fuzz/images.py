"""How image files and masks are read, whatever their format."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from slide_files import tissue

from components.imaging.files import codecs
from components.imaging.files.header import header_of
from components.imaging.truth.mask_files import read_mask, read_region
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.settings import Mask
from fuzz.mutate import Change
from fuzz.reader import Reader

# Decoded in this process, which is watched, whatever they weigh.
LIMITS = codecs.Limits(pixels=1_000_000, seconds=math.inf)
SMOOTH = tissue(40, 48)
TWO = ["benign", "malignant"]
_COLOURS = {"#000000": "background", "#ff0000": "benign", "#00ff00": "malignant"}
_MASKS = (
    Mask(),
    Mask(threshold="otsu", ignore=3),
    Mask(form="indices"),
    Mask(form="instances"),
    Mask(form="levels", levels={"0": "background", "1": "benign", "2": "malignant"}),
    Mask(form="colours", colours=_COLOURS),
)


def _pixels(path: Path, **how: Any) -> None:
    codecs.read_image(path, LIMITS, **how)


def _headers(path: Path) -> None:
    content = codecs.read_content(path, LIMITS)
    header_of(content).spacing()


def mask(settings: Mask, classes: list[str], path: Path) -> None:
    read_mask(path, settings, classes, LIMITS)


READS: tuple[Callable[[Path], object], ...] = (
    _pixels,
    partial(_pixels, dicom_window=True, upright=False),
    _headers,
    *(
        partial(mask, settings, [] if settings.form == "instances" else TWO[: 1 + (settings.form != "binary")])
        for settings in _MASKS
    ),
    partial(read_region, limits=LIMITS),
)
REFUSED = (codecs.UnreadableImage, UnclearMask)


def image(seeds: Callable[[], list[bytes]], *changes: Change) -> Reader:
    return Reader(seeds, READS, REFUSED, changes)
