"""Derives the records of a sample: one of the whole image, or one per tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from components.example_gen.drawing import Misplaced, place
from components.example_gen.samples import Drawing, Sample
from components.imaging.adjust import adjust
from components.imaging.codecs import UnreadableImage, pixel_sha256, read_image, with_channels
from components.imaging.geometry import Placement, fit, letterbox
from components.imaging.masks import MaskReading, UnclearMask, merge, read_mask
from components.imaging.shapes import draw
from components.imaging.signature import signature
from components.imaging.tiles import keep_empty, tile_id, tile_placements
from components.record import Record

SHARD_BYTES = 128 * 2**20
MEGAPIXEL = 1_000_000


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
    """`(H, W)` uint8 class indices."""
    inflation: float | None
    """Of a lossy mask: its foreground over that at half height."""


@dataclass(frozen=True)
class View:
    """One record that a source gives: its id and which part of the source it shows."""

    id: str
    placement: Placement
    derived_from: str = ""


def read_source(root: Path, sample: Sample, data: Mapping[str, Any]) -> Source:
    """Reads an image and its truth.

    Raises:
        Unusable: an unreadable or too large file, an image that shows nothing, unclear classes, sizes that differ, a
            drawing outside the image, a mask without background, image and mask swapped.
    """
    image = _read(root, sample.image, data)
    low, high = cv2.minMaxLoc(image.reshape(image.shape[0], -1))[:2]
    if low == high:
        raise Unusable("image shows nothing", f"the image shows nothing: all its values are {low:g}")
    if _is_binary(image):
        raise Unusable("image and mask swapped", "the image has two values only, like a mask: are the two swapped?")
    truth, inflation = _truth(root, sample, image.shape[:2], data)
    if cv2.countNonZero(truth) == truth.size:
        raise Unusable(
            "mask without background",
            "the mask is foreground everywhere: is it the image, or is the threshold too low?",
        )
    return Source(sample, image, truth, inflation)


def views(source: Source, data: Mapping[str, Any]) -> list[View]:
    """The records that a source gives, before empty tiles are dropped."""
    size = (*source.image.shape[:2], data["height"], data["width"])
    name, tiles = source.sample.id, data["tiles"]
    if tiles is None:
        return [View(name, fit(data["fit"], *size))]
    cut = [
        View(tile_id(name, row, column), placement, derived_from=name)
        for (row, column), placement in tile_placements(*size, tiles["overlap"], tiles["edge"])
    ]
    reduced = [View(f"{name}_reduced", letterbox(*size), derived_from=name)] if tiles["reduced_copy"] else []
    return cut + reduced


def derive(source: Source, chosen: Sequence[View], data: Mapping[str, Any], split: str) -> Iterator[Record]:
    """The records of `chosen` views, less the empty tiles that the training split does not keep.

    Raises:
        Unusable: a lesion is lost at the record's scale.
    """
    sample = source.sample
    image, sha256 = with_channels(source.image, data["channels"]), pixel_sha256(source.image)
    scaled: dict[tuple[int, int], np.ndarray] = {}
    for view in chosen:
        placement = view.placement
        mask = placement.mask(source.truth)
        _check_lesions(source, placement, mask)
        if _drops(view, mask, data, split):
            continue
        content = (placement.content_height, placement.content_width)
        if content not in scaled:
            scaled[content] = adjust(placement.scaled(image), data["adjust"])
        pixels = placement.placed(scaled[content])
        yield Record(
            image=pixels,
            mask=mask,
            id=view.id,
            group=sample.group,
            source=sample.image,
            source_sha256=sha256,
            transform=placement.as_json(),
            signature=signature(pixels if view.derived_from else source.image),
            label=sample.label,
            derived_from=view.derived_from,
        )


def shard_count(records: int, data: Mapping[str, Any]) -> int:
    """Shards of a split: about `SHARD_BYTES` each; of small splits up to 8, to be written in parallel."""
    record_bytes = data["height"] * data["width"] * (2 * data["channels"] + 1)
    return max(1, -(-records * record_bytes // SHARD_BYTES), min(8, records // 16))


def _drops(view: View, mask: np.ndarray, data: Mapping[str, Any], split: str) -> bool:
    """Only training tiles are thinned: what is measured on must hold background as it comes."""
    if split != "train" or data["tiles"] is None or view.placement.is_whole or cv2.countNonZero(mask):
        return False
    return not keep_empty(view.id, data["tiles"]["keep_empty"], data["splits"]["salt"])


def _check_lesions(source: Source, placement: Placement, mask: np.ndarray) -> None:
    """What is lost in the record would be learnt as normal tissue."""
    truth = source.sample.truth
    scale = min(placement.content_height / placement.source_height, placement.content_width / placement.source_width)
    # Half a pixel's diagonal: every smaller disc may lie between the centres of pixels.
    extents = [shape.extent for shape in truth.shapes] if isinstance(truth, Drawing) else []
    lost = [extent for extent in extents if extent * scale < 0.75]
    if lost:
        what = f"a lesion of radius {lost[0]:g}"
    elif placement.is_whole and cv2.countNonZero(source.truth) and not cv2.countNonZero(mask):
        what = "its foreground"
    else:
        return
    size = f"{placement.width} x {placement.height}"
    raise Unusable("lesion lost", f"{what} is lost at {size} pixels: raise [data] height and width")


def _truth(
    root: Path, sample: Sample, shape: tuple[int, ...], data: Mapping[str, Any]
) -> tuple[np.ndarray, float | None]:
    """Class indices, and the inflation of a lossy mask."""
    height, width = shape
    if isinstance(sample.truth, Drawing):
        try:
            return draw(height, width, place(sample.truth, height, width)), None
        except Misplaced as error:
            raise Unusable("truth", str(error)) from error
    readings = [_mask(root, path, shape, data) for path in sample.truth.paths]
    inflations = [reading.inflation for reading in readings if reading.inflation is not None]
    try:
        classes = merge([reading.classes for reading in readings], sample.truth.classes)
    except UnclearMask as error:
        raise Unusable("unclear mask", f"{', '.join(sample.truth.paths)}: {error}") from error
    return classes, max(inflations, default=None)


def _mask(root: Path, path: str, shape: tuple[int, ...], data: Mapping[str, Any]) -> MaskReading:
    try:
        reading = read_mask(root / path, data["mask"], data["classes"], data["max_megapixels"] * MEGAPIXEL)
    except UnreadableImage as error:
        raise Unusable("unreadable", f"{path}: {error}") from error
    except UnclearMask as error:
        raise Unusable("unclear mask", f"{path}: {error}") from error
    found = reading.classes.shape
    if found != shape:
        raise Unusable(
            "sizes differ", f"the image is {shape[1]} x {shape[0]} pixels, its mask {path} {found[1]} x {found[0]}"
        )
    return reading


def _is_binary(image: np.ndarray) -> bool:
    """Whether the image holds two values only; a coarse look settles it for nearly all."""
    step = max(1, min(image.shape[:2]) // 64)
    return len(np.unique(image[::step, ::step])) <= 2 and len(np.unique(image)) <= 2


def _read(root: Path, name: str, data: Mapping[str, Any]) -> np.ndarray:
    try:
        return read_image(root / name, data["max_megapixels"] * MEGAPIXEL, data["dicom_window"])
    except UnreadableImage as error:
        raise Unusable("unreadable", f"{Path(name).name}: {error}") from error
