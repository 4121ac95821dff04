"""Lists the samples of an input folder by the layout of its config."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.example_gen.folders import list_folders
from components.example_gen.mias import list_mias
from components.example_gen.samples import Listing
from components.imaging.codecs import SUFFIXES


def input_patterns(data: Mapping[str, Any]) -> dict[str, str]:
    """Globs, relative to the input folder, of every file that `list_samples` reads: a change to one is a change."""
    if data["layout"] == "mias":
        return {"films": "*"}
    return {"images": f"{data['images']}/*", "masks": f"{data['masks']}/*"}


def fingerprint(root: Path, data: Mapping[str, Any]) -> str:
    """First 16 hex digits of a SHA-256 over name, size and time of change of every file that `list_samples` reads.

    The stock driver's own fingerprint knows neither names nor fractions of a second: it misses two swapped masks.
    """
    digest = hashlib.sha256()
    for pattern in input_patterns(data).values():
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                status = path.stat()
                line = f"{path.relative_to(root).as_posix()} {status.st_size} {status.st_mtime_ns}\n"
                digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def list_samples(root: Path, data: Mapping[str, Any]) -> Listing:
    """The samples and rejects of an input folder, by the `[data]` section of the config.

    Raises:
        UsageError: the folder, or what its layout needs, is missing; or it holds no image at all.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder. Give the folder with the images: --data DIR")
    _refuse_undecodable_names(root, data)
    if data["layout"] == "mias":
        listing = list_mias(root, data["truth_table"])
    else:
        listing = list_folders(root, data["images"], data["masks"], data["group_pattern"])
    sources = [*(sample.image for sample in listing.samples), *(reject.source for reject in listing.rejects)]
    if not any(Path(source).suffix.lower() in SUFFIXES for source in sources):
        raise UsageError(f"{root}: holds no image. Expected PGM, PNG or JPG files in layout {data['layout']!r}.")
    return listing


def _refuse_undecodable_names(root: Path, data: Mapping[str, Any]) -> None:
    for pattern in input_patterns(data).values():
        for path in root.glob(pattern):
            try:
                path.name.encode("utf-8")
            except UnicodeEncodeError:
                raise UsageError(f"{root}: has a file whose name is not UTF-8: {path.name!a}. Rename it.") from None
