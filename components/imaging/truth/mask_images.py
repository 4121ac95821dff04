"""A mask file that is an image as class indices, by the rule that the config gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.imaging.files.codecs import Drawn, Limits, decode_indices, decode_mask, unrepeated, with_channels
from components.imaging.truth.classes import IGNORE, foreground
from components.imaging.truth.legend import legend
from components.imaging.truth.mask_colours import colour_mask
from components.imaging.truth.mask_forms import index_mask, level_mask, object_mask
from components.imaging.truth.masks import UnclearMask, binary_mask, inflation, two_values
from components.imaging.truth.reading import MaskReading, ignoring, within, without_level
from components.imaging.truth.settings import Mask
from components.imaging.truth.unclear import has_colours, unclear_lossy


@dataclass(frozen=True)
class MaskImage:
    """A mask file that is an image."""

    content: bytes
    lossy: bool
    limits: Limits
    upright: bool

    def indices(self) -> np.ndarray:
        return decode_indices(self.content, self.limits, self.upright)

    def drawn(self) -> Drawn:
        return decode_mask(self.content, self.limits, self.upright)


def read_image_mask(file: MaskImage, settings: Mask, names: Sequence[str], region: np.ndarray | None) -> MaskReading:
    """As `components.imaging.truth.mask_files.read_mask`, without the orientation; what stands outside of the region
    is no fault, and any class.
    """
    form = settings.form
    if file.lossy and (form in ("indices", "instances") or settings.ignore is not None):
        key = f'form = "{form}"' if form in ("indices", "instances") else f"ignore = {settings.ignore}"
        raise UnclearMask(f"a JPEG mask has no exact values for [data.mask] {key}: use PNG")
    if form == "binary":
        return _binary(file, settings, region)
    if form == "colours":
        return _by_colour(file, settings, names, region)
    if form == "levels":
        return _by_level(file, settings, names, region)
    pixels, ignored = without_level(within(file.indices(), region, 0), settings.ignore)
    if form == "instances":
        mask, count = object_mask(pixels)
        return MaskReading(ignoring(mask, ignored), rule=f"values above 0, {count} object{'' if count == 1 else 's'}")
    mask, stray = index_mask(pixels, len(names), settings.max_stray)
    return MaskReading(ignoring(mask, ignored), rule="class indices", stray=stray)


def _binary(file: MaskImage, settings: Mask, region: np.ndarray | None) -> MaskReading:
    if region is not None and isinstance(settings.threshold, str):
        raise UnclearMask(
            f'[data.mask] threshold = "{settings.threshold}" looks at all pixels, also at those outside of its region: '
            "give a number"
        )
    drawn, stray = file.drawn(), 0.0
    pixels, ignored = without_level(within(unrepeated(drawn.pixels), region, 0), settings.ignore)
    if settings.threshold is None:
        if file.lossy:
            raise UnclearMask(unclear_lossy(pixels))
        pixels, stray = two_values(pixels, settings.max_stray)
    mask = binary_mask(pixels, settings.threshold or 1, lossy=file.lossy)
    if settings.foreground == "dark":
        mask ^= 1
    rule = _rule(settings, pixels) + (f" of its {drawn.where}" if drawn.where else "")
    if not file.lossy:
        return MaskReading(ignoring(mask, ignored), rule=rule, stray=stray)
    seen = slice(None) if region is None else region
    levels = with_channels(pixels if settings.foreground == "bright" else np.invert(pixels), 1)
    return MaskReading(mask, inflation(levels[seen], mask[seen]), rule)


def _by_colour(file: MaskImage, settings: Mask, names: Sequence[str], region: np.ndarray | None) -> MaskReading:
    colours = legend(settings, names)
    pixels = within(with_channels(file.drawn().pixels, 3), region, _rgb(next(iter(colours))))
    mask, stray = colour_mask(pixels, colours, settings.max_colour_distance, settings.max_stray, lossy=file.lossy)
    named = (f"#{colour:06x}" for colour, index in colours.items() if 0 < index < IGNORE)
    return MaskReading(mask, _by_nearest(mask, lossy=file.lossy), f"colours near {', '.join(named)}", stray=stray)


def _by_level(file: MaskImage, settings: Mask, names: Sequence[str], region: np.ndarray | None) -> MaskReading:
    levels, drawn = legend(settings, names), file.drawn()
    # A palette of greys shows the values that are meant, whatever entries a program has given them.
    pixels = file.indices() if drawn.where == "palette" and has_colours(drawn.pixels) else drawn.pixels
    pixels = within(pixels, region, min(*levels, np.iinfo(pixels.dtype).max))
    mask, stray = level_mask(pixels, levels, settings.max_stray, lossy=file.lossy)
    named = (str(level) for level, index in levels.items() if 0 < index < IGNORE)
    near = "near " if file.lossy else ""
    rule = f"grey values {near}{', '.join(named)}" + (f" of its {drawn.where}" if drawn.where else "")
    return MaskReading(mask, _by_nearest(mask, lossy=file.lossy), rule, stray=stray)


def _by_nearest(mask: np.ndarray, *, lossy: bool) -> float | None:
    """The inflation of a mask that was read by the nearest: the midpoint rule itself, by which it is measured."""
    return 1.0 if lossy and foreground(mask).any() else None


def _rule(settings: Mask, pixels: np.ndarray) -> str:
    """Which grey values are foreground."""
    bright, threshold = settings.foreground == "bright", settings.threshold
    if threshold is None:
        return f"grey value {pixels.max() if bright else 0}"
    if isinstance(threshold, int):
        return f"grey values {'from' if bright else 'below'} {threshold}"
    return f"grey values {'above' if bright else 'below'} a threshold ({threshold})"


def _rgb(colour: int) -> list[int]:
    return [colour >> shift & 255 for shift in (16, 8, 0)]
