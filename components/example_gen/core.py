"""Derives the records of a sample: one of the whole image, or one per tile."""

from __future__ import annotations

import filecmp
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from components.example_gen.drawing import place
from components.example_gen.samples import Drawing, Sample
from components.example_gen.settings import DataSettings
from components.imaging.adjust import adjust
from components.imaging.files.codecs import UnreadableImage, pixel_sha256, read_image, with_channels
from components.imaging.fingerprint import signature
from components.imaging.geometry.placement import FITS, Placement, letterbox
from components.imaging.geometry.tiles import keep_empty, tile_ids, tile_placements
from components.imaging.truth.classes import IGNORE, foreground, judged, present
from components.imaging.truth.mask_files import MaskReading, read_mask, read_region
from components.imaging.truth.masks import UnclearMask, merge
from components.imaging.truth.shapes import UnclearShape, rasterized
from components.records.record import Record, intensity

SHARD_BYTES = 128 * 2**20
_RINGING = 0.03
"""Share of the range by which JPEG moves the levels of a mask."""
_VALUES = ("dicom_window", "channels", "adjust")
"""The settings that change values, in the order in which they do."""


class Unusable(ValueError):
    """A sample that cannot become a record: the kind of its fault, and exactly what."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class Source:
    """A sample as arrays, at the size of its files."""

    sample: Sample
    image: np.ndarray
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16."""
    truth: np.ndarray
    """`(H, W)` uint8 class indices, 255 where it is not judged."""
    inflation: float | None = None
    """Of lossy masks: the greatest, see `components.imaging.truth.masks.inflation`."""
    smallest_lesion: float = math.inf
    """Least extent of what was drawn, in pixels."""


@dataclass(frozen=True)
class View:
    """One record that a source gives: its id, and which part of the source it shows."""

    id: str
    placement: Placement
    is_tile: bool = False


def read_source(root: Path, sample: Sample, data: DataSettings) -> Source:
    """Reads an image and its truth.

    Raises:
        Unusable: an unreadable or too large file, an image that shows nothing, unclear classes, sizes that differ, a
            drawing outside the image, image and mask swapped or the same.
    """
    image = _read(root, sample.image, data)
    low, high = cv2.minMaxLoc(image.reshape(image.shape[0], -1))[:2]
    if low == high:
        raise Unusable("image shows nothing", f"the image shows nothing: all its values are {low:g}")
    if _is_binary(image):
        raise Unusable("image and mask swapped", "the image has two levels only, like a mask: are the two swapped?")
    return _with_truth(root, sample, image, data)


def views(source: Source, data: DataSettings) -> list[View]:
    """The records that a source gives, before empty tiles are dropped."""
    name, tiles = source.sample.id, data.tiles
    height, width = source.image.shape[:2]
    size = (height, width, data.height, data.width)
    if tiles is None:
        return [View(name, FITS[data.fit](*size))]
    placements = tile_placements(*size, tiles.overlap, tiles.edge)
    cut = [View(own, tile, True) for own, tile in zip(tile_ids(name, placements), placements, strict=True)]
    # For training alone: what is measured on are the tiles.
    reduced = tiles.reduced_copy and source.sample.split == "train"
    return [*cut, View(f"{name}_reduced", letterbox(*size))] if reduced else cut


def derive(source: Source, chosen: Sequence[View], data: DataSettings, split: str) -> Iterator[Record]:
    """The records of `chosen` views, less the empty tiles that the training split does not keep.

    Raises:
        Unusable: a lesion is lost at the record's scale.
    """
    sample, sha256, own = source.sample, pixel_sha256(source.image), signature(source.image)
    settings = data.model_dump(mode="json")
    adjusted = adjust(with_channels(source.image, data.channels), data.adjust)
    # All tiles have one content: it is scaled once.
    scaled = cache(lambda scale: (scale.scaled(adjusted), scale.scaled_mask(source.truth)))
    moments = cache(lambda scale: intensity(scaled(scale)[0]))
    for view in chosen:
        scale = replace(view.placement, top=0, left=0)
        content, truth = scaled(scale)
        image, mask = view.placement.placed(content), view.placement.placed(truth)
        if view.is_tile and _is_dropped(view.id, mask, data, split):
            continue
        _check_lesions(source, view, mask)
        yield Record(
            image=image,
            mask=mask,
            id=view.id,
            group=sample.group,
            source=sample.image,
            source_sha256=sha256,
            transform={**view.placement.as_json(), **{key: settings[key] for key in _VALUES}},
            # Tiles carry that of their source: copies are found however they are cut, alike corners are none.
            signature=own,
            label=sample.label,
            derived_from=sample.id if view.id != sample.id else "",
            moments=moments(scale) if data.tiles else None,
        )


def lesions_lost(source: Source, view: View) -> int:
    """Regions of one class of which a record shows no pixel."""
    shown = view.placement.shown()
    return sum(_regions_lost((source.truth == index).view(np.uint8), *shown) for index in present(source.truth))


def _regions_lost(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> int:
    left, top, width, height = cv2.boundingRect(pixels)
    # Within their bounding box there is less to label.
    count, regions = cv2.connectedComponents(pixels[top : top + height, left : left + width], connectivity=8)
    rows, columns = (rows - top)[(rows >= top) & (rows < top + height)], columns - left
    seen = np.unique(regions[np.ix_(rows, columns[(columns >= 0) & (columns < width)])])
    return count - 1 - np.count_nonzero(seen)


def shard_count(records: int, data: DataSettings) -> int:
    """Shards of a split: about `SHARD_BYTES` each; of small splits up to 8, to be written in parallel.

    `records` are whole images: into how many tiles they will be cut is not known before they are read.
    """
    record_bytes = data.height * data.width * (2 * data.channels + 1)
    return max(1, -(-records * record_bytes // SHARD_BYTES), min(8, records // 16))


def _is_dropped(tile: str, mask: np.ndarray, data: DataSettings, split: str) -> bool:
    """Only training tiles are thinned: what is measured on must hold background as it comes."""
    if split != "train" or cv2.countNonZero(foreground(mask)) or data.tiles is None:
        return False
    return not judged(mask).any() or not keep_empty(tile, data.tiles.keep_empty, data.splits.salt)


def _check_lesions(source: Source, view: View, mask: np.ndarray) -> None:
    """What scaling loses would be learnt as normal tissue."""
    placement = view.placement
    scale = min(placement.content_height / placement.source_height, placement.content_width / placement.source_width)
    # Half a pixel's diagonal: every smaller disc may lie between the centres of pixels.
    if source.smallest_lesion * min(1, scale) < 0.75:
        what = f"a lesion of radius {source.smallest_lesion:g}"
    elif scale < 1 and not view.is_tile and foreground(source.truth).any() and not foreground(mask).any():
        what = "its foreground"
    else:
        return
    size = f"{placement.width} x {placement.height}"
    raise Unusable("lesion lost", f"{what} is lost at {size} pixels: raise [data] height and width")


def _with_truth(root: Path, sample: Sample, image: np.ndarray, data: DataSettings) -> Source:
    region = _region(root, sample, image.shape[:2], data)
    source = _with_whole_truth(root, sample, image, region, data)
    if not judged(source.truth).any():
        within = f" within its region {sample.region}" if sample.region else ""
        raise Unusable("nothing is judged", f"its truth ignores every pixel{within}")
    return source


def _with_whole_truth(
    root: Path, sample: Sample, image: np.ndarray, region: np.ndarray | None, data: DataSettings
) -> Source:
    if isinstance(sample.truth, Drawing):
        try:
            height, width = image.shape[:2]
            shapes = place(sample.truth, height, width)
            smallest = min((shape.extent for shape in shapes), default=math.inf)
            truth = rasterized(height, width, shapes)
            for inside in (region, _drawn_region(sample.truth, height, width)):
                truth = truth if inside is None else np.where(inside, truth, np.uint8(IGNORE))
            return Source(sample, image, truth, smallest_lesion=smallest)
        except UnclearShape as error:
            raise Unusable("truth", str(error)) from error
    for path in sample.truth.paths:
        if _same_content(root / path, root / sample.image):
            raise Unusable("mask is the image", f"its mask {path} is the same file: put the mask there")
    readings = [_mask(root, path, image.shape[:2], region, data) for path in sample.truth.paths]
    inflations = [reading.inflation for reading in readings if reading.inflation is not None]
    try:
        truth = merge([reading.classes for reading in readings], sample.truth.classes)
    except UnclearMask as error:
        raise Unusable("unclear mask", f"{', '.join(sample.truth.paths)}: {error}") from error
    return Source(sample, image, truth, max(inflations, default=None))


def _region(root: Path, sample: Sample, shape: tuple[int, ...], data: DataSettings) -> np.ndarray | None:
    """Where the image is judged, bool `(H, W)`; None: everywhere."""
    if not sample.region:
        return None
    try:
        region = read_region(root / sample.region, data.max_pixels)
    except UnreadableImage as error:
        raise Unusable("unreadable", f"{sample.region}: {error}") from error
    _check_size("region", sample.region, region, shape)
    return region


def _drawn_region(drawing: Drawing, height: int, width: int) -> np.ndarray | None:
    if drawing.region is None:
        return None
    return rasterized(height, width, place(replace(drawing, shapes=(drawing.region,)), height, width)) > 0


def _mask(root: Path, path: str, shape: tuple[int, ...], region: np.ndarray | None, data: DataSettings) -> MaskReading:
    try:
        reading = read_mask(root / path, data.mask, data.classes, data.max_pixels, region)
    except UnreadableImage as error:
        raise Unusable("unreadable", f"{path}: {error}") from error
    except UnclearMask as error:
        raise Unusable("unclear mask", f"{path}: {error}") from error
    _check_size("mask", path, reading.classes, shape)
    return reading


def _check_size(kind: str, path: str, found: np.ndarray, shape: tuple[int, ...]) -> None:
    if found.shape != shape:
        height, width = found.shape
        raise Unusable(
            "sizes differ", f"the image is {shape[1]} x {shape[0]} pixels, its {kind} {path} {width} x {height}"
        )


def _is_binary(image: np.ndarray) -> bool:
    """Whether a coarse look finds two levels only, up to the ringing of JPEG, and both of them often."""
    step = max(1, min(image.shape[:2]) // 64)
    coarse = with_channels(np.ascontiguousarray(image[::step, ::step]), 1)
    share = (coarse - float(coarse.min())) / max(1, np.ptp(coarse))
    low, high = (share <= _RINGING).mean(), (share >= 1 - _RINGING).mean()
    return bool(low + high >= 0.99 and min(low, high) >= 0.005)


def _same_content(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False  # said by those who read them


def _read(root: Path, name: str, data: DataSettings) -> np.ndarray:
    try:
        return read_image(root / name, data.max_pixels, data.dicom_window)
    except UnreadableImage as error:
        raise Unusable("unreadable", str(error)) from error
