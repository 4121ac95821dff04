"""Derives the record of a sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.example_gen.samples import Sample
from components.imaging.codecs import UnreadableImage, is_lossy, pixel_sha256, read_image, with_channels
from components.imaging.geometry import Letterbox
from components.imaging.masks import UnclearMask, binary_mask, disc_mask
from components.record import Record

SHARD_BYTES = 128 * 2**20


class Unusable(ValueError):
    """A sample that cannot become a record; the message is the reason of its reject."""


def derive(root: Path, sample: Sample, data: Mapping[str, Any]) -> Record:
    """Reads an image and its truth and brings both to the record's size.

    Raises:
        Unusable: an unreadable file, unclear classes, sizes that differ, a disc outside the film, an image of one
            value, a mask without background, a lesion that is lost at the record's size.
    """
    source = _read(root / sample.image)
    if source.min() == source.max():
        raise Unusable(f"the image shows nothing: all its values are {source.min()}")
    box = Letterbox(source.shape[0], source.shape[1], data["height"], data["width"])
    truth = _truth(root, sample, source.shape[:2], data["mask_threshold"])
    mask = box.mask(truth)
    _check_mask(truth, mask, sample, box)
    return Record(
        image=box.image(with_channels(source, data["channels"])),
        mask=mask,
        id=sample.id,
        group=sample.group,
        source=sample.image,
        source_sha256=pixel_sha256(source),
        transform=box.as_json(),
        label=sample.label,
    )


def _check_mask(truth: np.ndarray, mask: np.ndarray, sample: Sample, box: Letterbox) -> None:
    """What is lost in the record would be learnt as normal tissue."""
    if truth.all():
        raise Unusable("the mask is foreground everywhere: is it the image, or is the threshold too low?")
    scale = box.content[2] / box.source_height
    # Half a pixel's diagonal: every smaller disc may lie between the centres of pixels.
    lost = [lesion.radius for lesion in sample.lesions if lesion.radius * scale < 0.75]
    if lost or (truth.any() and not mask.any()):
        what = f"a lesion of radius {lost[0]:g}" if lost else "its foreground"
        raise Unusable(f"{what} is lost at {box.width} x {box.height} pixels: raise [data] height and width")


def shard_count(records: int, data: Mapping[str, Any]) -> int:
    """Shards of a split: about `SHARD_BYTES` each; of small splits up to 8, to be written in parallel."""
    record_bytes = data["height"] * data["width"] * (2 * data["channels"] + 1)
    return max(1, -(-records * record_bytes // SHARD_BYTES), min(8, records // 16))


def _truth(root: Path, sample: Sample, shape: tuple[int, ...], threshold: int | None) -> np.ndarray:
    height, width = shape
    if isinstance(sample.truth, Drawing):
        return _drawn(sample.truth, height, width)
    (path,) = sample.truth.paths
    pixels = _read(root / path)
    if pixels.shape[:2] != (height, width):
        raise Unusable(f"the image is {width} x {height} pixels, its mask {path} {pixels.shape[1]} x {pixels.shape[0]}")
    try:
        return binary_mask(pixels, threshold, lossy=is_lossy(Path(path)))
    except UnclearMask as error:
        raise Unusable(f"{path}: {error}") from error


def _drawn(drawing: Drawing, height: int, width: int) -> np.ndarray:
    shapes = [_upright(shape, height) if drawing.bottom_left else shape for shape in drawing.shapes]
    return draw(height, width, shapes)


def _read(path: Path) -> np.ndarray:
    try:
        return read_image(path)
    except UnreadableImage as error:
        raise Unusable(f"{path.name}: {error}") from error
