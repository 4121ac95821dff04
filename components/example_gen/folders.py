"""Layout `folders`: one folder of images, one of masks, paired by name without suffix."""

from __future__ import annotations

import re
from pathlib import Path

from components.errors import UsageError
from components.example_gen.samples import Listing, MaskFiles, Reject, Sample, by_stem, image_files, unread_files


def list_folders(root: Path, images: str, masks: str, group_pattern: str | None) -> Listing:
    """Pairs `root/images/NAME.*` with `root/masks/NAME.*`.

    The group is the first capture of `group_pattern`, searched in NAME; without a pattern it is NAME.

    Raises:
        UsageError: one of the two folders is missing.
    """
    for folder in (images, masks):
        if not (root / folder).is_dir():
            raise UsageError(
                f"{root}: has no folder {folder!r}, expected {images!r} and {masks!r}. "
                "Set [data] images and masks, or another layout."
            )
    image_paths, mask_paths = by_stem(image_files(root / images)), by_stem(image_files(root / masks))
    samples: list[Sample] = []
    rejects = [reject for folder in (images, masks) for reject in unread_files(root, root / folder)]
    for name in sorted(image_paths.keys() | mask_paths.keys()):
        found = _pair(root, name, image_paths.get(name, []), mask_paths.get(name, []), group_pattern)
        if isinstance(found, Sample):
            samples.append(found)
        else:
            rejects.append(found)
    return Listing(tuple(samples), tuple(rejects))


def _pair(root: Path, name: str, images: list[Path], masks: list[Path], group_pattern: str | None) -> Sample | Reject:
    sources = [path.relative_to(root).as_posix() for path in images + masks]
    if len(images) > 1 or len(masks) > 1:
        return Reject(sources[0], "pairing", f"several files of one name: {', '.join(sources)}")
    if not images:
        return Reject(sources[0], "pairing", "a mask without an image of the same name")
    if not masks:
        return Reject(sources[0], "pairing", "an image without a mask of the same name")
    group = name
    if group_pattern is not None:
        match = re.search(group_pattern, name)
        if not match or not match[1]:
            return Reject(sources[0], "pairing", f"[data] group_pattern {group_pattern!r} finds no group in the name")
        group = match[1]
    return Sample(id=name, group=group, image=sources[0], truth=MaskFiles((sources[1],)))
