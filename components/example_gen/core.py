"""Derives the records of a sample: one of the whole image, or one per tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.example_gen.truth import Picture, Truth, read_truth
from components.example_gen.unusable import Unusable
from components.imaging.adjust import adjust
from components.imaging.files.codecs import (
    UnreadableImage,
    decode_image,
    pixel_sha256,
    read_content,
    with_channels,
    with_header,
)
from components.imaging.files.spacing import Spacing
from components.imaging.fingerprint import signature
from components.imaging.geometry.placement import FITS, Placement, letterbox
from components.imaging.geometry.tiles import keep_empty, tile_ids, tile_placements
from components.imaging.truth.classes import foreground, judged, present
from components.records.record import Record, intensity

SHARD_BYTES = 128 * 2**20
_RINGING = 0.03
"""Share of the range by which JPEG moves the levels of a mask."""
_VALUES = ("dicom_window", "channels", "adjust")
"""The settings that change values, in the order in which they do."""


@dataclass(frozen=True)
class Source:
    """A sample as arrays, at the size of its files."""

    sample: Sample
    image: np.ndarray
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16."""
    truth: Truth
    spacing: Spacing | None = None
    """Of its pixels, where it is known."""


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
            drawing outside the image, image and mask swapped or the same, orientations that leave open how they lie.
    """
    image, picture, spacing = _read(root, sample, data)
    low, high = cv2.minMaxLoc(image.reshape(image.shape[0], -1))[:2]
    if low == high:
        raise Unusable("image shows nothing", f"the image shows nothing: all its values are {low:g}")
    if _is_binary(image):
        raise Unusable("image and mask swapped", "the image has two levels only, like a mask: are the two swapped?")
    return Source(sample, image, read_truth(root, picture, data), spacing)


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
    scaled = cache(lambda scale: (scale.scaled(adjusted), scale.scaled_mask(source.truth.classes)))
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
            site=sample.site,
            derived_from=sample.id if view.id != sample.id else "",
            moments=moments(scale) if data.tiles else None,
            spacing=source.spacing,
        )


def lesions_lost(source: Source, view: View) -> int:
    """Regions of one class of which a record shows no pixel."""
    shown = view.placement.shown()
    truth = source.truth.classes
    return sum(_regions_lost((truth == index).view(np.uint8), *shown) for index in present(truth))


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
    if scale < 1 and source.truth.smallest_lesion * scale < 0.75:
        what = f"a lesion of radius {source.truth.smallest_lesion:g}"
    elif scale < 1 and not view.is_tile and foreground(source.truth.classes).any() and not foreground(mask).any():
        what = "its foreground"
    else:
        return
    size = f"{placement.width} x {placement.height}"
    raise Unusable("lesion lost", f"{what} is lost at {size} pixels: raise [data] height and width")


def _is_binary(image: np.ndarray) -> bool:
    """Whether a coarse look finds two levels only, up to the ringing of JPEG, and both of them often."""
    step = max(1, min(image.shape[:2]) // 64)
    coarse = with_channels(np.ascontiguousarray(image[::step, ::step]), 1)
    share = (coarse - float(coarse.min())) / max(1, np.ptp(coarse))
    low, high = (share <= _RINGING).mean(), (share >= 1 - _RINGING).mean()
    return bool(low + high >= 0.99 and min(low, high) >= 0.005)


def _read(root: Path, sample: Sample, data: DataSettings) -> tuple[np.ndarray, Picture, Spacing | None]:
    """The pixels, what must be known of them to read their truth, and the size of a pixel, where it is known."""
    try:
        content = read_content(root / sample.image, data.limits)
        pixels, header = with_header(decode_image, content, data.limits, data.dicom_window, data.upright)
        height, width = pixels.shape[:2]
        picture = Picture(sample, (height, width), header.orientation, header.placed)
        return pixels, picture, data.spacing or header.spacing(data.upright)
    except UnreadableImage as error:
        raise Unusable("unreadable", str(error)) from error
