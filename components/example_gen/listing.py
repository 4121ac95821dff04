"""Lists the samples of an input folder by the layout of its config."""

from __future__ import annotations

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
    sources = [*(sample.image for sample in listing.samples), *(reject.source for reject in listing.rejects)]
    if not any(Path(source).suffix.lower() in SUFFIXES for source in sources):
        raise UsageError(f"{root}: holds no image. Expected PGM, PNG or JPG files in layout {data['layout']!r}.")
    return listing
