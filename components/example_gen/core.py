"""Lists the samples of an input folder, gives each a split and derives its record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import UsageError
from components.example_gen.folders import list_folders
from components.example_gen.mias import list_mias
from components.example_gen.samples import Listing, Sample
from components.imaging.codecs import UnreadableImage, is_lossy, pixel_sha256, read_image, with_channels
from components.imaging.geometry import Letterbox
from components.imaging.masks import UnclearMask, binary_mask, disc_mask
from components.record import SPLITS, Record

SHARD_BYTES = 128 * 2**20


class Unusable(ValueError):
    """A sample that cannot become a record; the message is the reason of its reject."""


def list_samples(root: Path, data: Mapping[str, Any]) -> Listing:
    """The samples and rejects of an input folder, by the `[data]` section of the config.

    Raises:
        UsageError: the folder, or what its layout needs, is missing; or it holds no image at all.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder. Give the folder with the images: --data DIR")
    if data["layout"] == "mias":
        listing = list_mias(root, data["truth_table"])
    else:
        listing = list_folders(root, data["images"], data["masks"], data["group_pattern"])
    if not listing.sources:
        raise UsageError(
            f"{root}: holds no image. Expected PGM, PNG or JPG files in layout {data['layout']!r}."
        )
    return listing


def split_of(group: str, splits: Mapping[str, Any]) -> str:
    """The split of a group: SHA-256 of salt and group modulo the shares.

    It depends on nothing else, so a group stays where it is when data are added.
    """
    digest = hashlib.sha256(f"{splits['salt']}/{group}".encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % sum(splits[name] for name in SPLITS)
    for name in SPLITS:
        bucket -= splits[name]
        if bucket < 0:
            return name
    raise AssertionError("the shares cover every bucket")


def derive(root: Path, sample: Sample, data: Mapping[str, Any]) -> Record:
    """Reads an image and its truth and brings both to the record's size.

    Raises:
        Unusable: an unreadable file, unclear classes, sizes that differ, a disc outside the film.
    """
    source = _read(root / sample.image)
    box = Letterbox(*source.shape[:2], data["height"], data["width"])
    return Record(
        image=box.image(with_channels(source, data["channels"])),
        mask=box.mask(_truth(root, sample, source.shape[:2], data["mask_threshold"])),
        id=sample.id,
        group=sample.group,
        source=sample.image,
        source_sha256=pixel_sha256(source),
        transform=box.as_json(),
        label=sample.label,
    )


def shard_count(records: int, data: Mapping[str, Any]) -> int:
    """Shards of a split: about `SHARD_BYTES` each, and for small splits up to 8, so that they are written in parallel."""
    record_bytes = data["height"] * data["width"] * (2 * data["channels"] + 1)
    return max(1, -(-records * record_bytes // SHARD_BYTES), min(8, records // 16))


def _truth(root: Path, sample: Sample, shape: tuple[int, ...], threshold: int | None) -> np.ndarray:
    height, width = shape
    if sample.mask is None:
        return _discs(sample, height, width)
    pixels = _read(root / sample.mask)
    if pixels.shape[:2] != (height, width):
        raise Unusable(
            f"the image is {width} x {height} pixels, its mask {sample.mask} {pixels.shape[1]} x {pixels.shape[0]}"
        )
    try:
        return binary_mask(pixels, threshold, lossy=is_lossy(Path(sample.mask)))
    except UnclearMask as error:
        raise Unusable(f"{sample.mask}: {error}") from error


def _discs(sample: Sample, height: int, width: int) -> np.ndarray:
    # The table counts from the bottom-left corner, arrays from the top-left one.
    discs = [(height - 1 - lesion.y, lesion.x, lesion.radius) for lesion in sample.lesions]
    for lesion, (row, column, _) in zip(sample.lesions, discs, strict=True):
        if not (0 <= row < height and 0 <= column < width):
            raise Unusable(
                f"the lesion at x {lesion.x:g}, y {lesion.y:g} lies outside the film of {width} x {height} pixels: "
                "is the table of another edition?"
            )
    return disc_mask(height, width, discs)


def _read(path: Path) -> np.ndarray:
    try:
        return read_image(path)
    except UnreadableImage as error:
        raise Unusable(f"{path.name}: {error}") from error
