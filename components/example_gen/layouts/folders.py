"""Layout `folders`: one folder of images, one of masks, paired by name.

Both are read with their sub-folders, one level deep. A name is a path within the folder, without suffix.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.names import NameIndex, advice, index_names, manifest_row, similar_name
from components.example_gen.samples import (
    Listing,
    MaskFiles,
    NotLaidOut,
    Reject,
    Sample,
    entries,
    image_files,
    mask_suffixes,
    unread_files,
    without_suffix,
)
from components.imaging.files.codecs import SUFFIXES


@dataclass(frozen=True)
class _Mask:
    path: str
    name: str
    class_name: str | None = None


def patterns(data: Reading) -> dict[str, str]:
    """Globs of every file that is read: two per folder, since `**` is none to TFX."""
    folders = {"images": data.images, "masks": data.masks, **({"regions": data.regions} if data.regions else {})}
    return {
        f"{key}{depth}": f"{folder}/{glob}"
        for key, folder in folders.items()
        for depth, glob in (("", "*"), ("_in_folders", "*/*"))
    }


def list_folders(root: Path, data: Reading) -> Listing:
    """Pairs images with the masks of the same name, or with all those that `mask_pattern` gives to that name; and with
    the region of the same name, where there is a folder of them.

    The group is the name.

    Raises:
        NotLaidOut: one of the folders is missing.
    """
    _check_folders(root, data)
    images, unread_images = _files(root, data.images, SUFFIXES)
    mask_files, unread_masks = _files(root, data.masks, mask_suffixes(data.mask))
    masks, unnamed = _by_image(mask_files, data.mask_pattern)
    unpaired = {} if data.mask_pattern else {name: masks[name] for name in sorted(masks.keys() - images.keys())}
    hint = partial(_hint, unpaired=unpaired, similar=index_names(unpaired))
    regions, unread_regions = _files(root, data.regions, SUFFIXES) if data.regions else ({}, [])
    pairs = {
        name: _pair(name, images.get(name, []), masks.get(name, []), data, hint)
        for name in sorted(images.keys() | masks.keys())
    }
    found = [_with_region(pair, regions.pop(name, []), data) for name, pair in pairs.items()]
    return Listing(
        samples=tuple(sample for sample in found if isinstance(sample, Sample)),
        rejects=(
            *unread_images,
            *unread_masks,
            *unread_regions,
            *unnamed,
            *(Reject(paths[0], "pairing", "a region without an image of the same name") for paths in regions.values()),
            *(reject for reject in found if isinstance(reject, Reject)),
        ),
    )


def _check_folders(root: Path, data: Reading) -> None:
    expected = [folder for folder in (data.images, data.masks, data.regions) if folder]
    for folder in expected:
        if not (root / folder).is_dir():
            raise NotLaidOut(
                f"{root}: has no folder {folder!r}, expected {', '.join(map(repr, expected[:-1]))} and "
                f"{expected[-1]!r}. Set [data] {'images, masks and regions' if data.regions else 'images and masks'}, "
                "or another layout."
            )


def _files(root: Path, folder: str, suffixes: Set[str]) -> tuple[dict[str, list[str]], list[Reject]]:
    """Paths by name, and what is not read."""
    top = root / folder
    places = [top, *(path for path in entries(top) if path.is_dir())]
    files: dict[str, list[str]] = defaultdict(list)
    for place in places:
        for path in image_files(place, suffixes):
            files[without_suffix(path.relative_to(top)).as_posix()].append(path.relative_to(root).as_posix())
    too_deep = [
        Reject(
            path.relative_to(root).as_posix(), "too deep", f"not read: {folder} may hold folders, but those no others"
        )
        for place in places[1:]
        for path in entries(place)
        if path.is_dir()
    ]
    return files, [*(reject for place in places for reject in unread_files(root, place, suffixes)), *too_deep]


def _by_image(files: Mapping[str, Sequence[str]], pattern: str | None) -> tuple[dict[str, list[_Mask]], list[Reject]]:
    """Masks by the name of their image, and those of which the pattern gives none."""
    masks: dict[str, list[_Mask]] = defaultdict(list)
    rejects: list[Reject] = []
    for name, paths in files.items():
        match = re.fullmatch(pattern or "(?P<name>.+)", name, re.DOTALL)
        for path in paths:
            if match and match["name"]:
                masks[match["name"]].append(_Mask(path, name, match.groupdict().get("class")))
            else:
                rejects.append(Reject(path, "pairing", f"[data] mask_pattern {pattern!r} does not match {name!r}"))
    return masks, rejects


def _pair(
    name: str, images: Sequence[str], masks: Sequence[_Mask], data: Reading, hint: Callable[[str, str], str]
) -> Sample | Reject:
    sources = [*images, *sorted(mask.path for mask in masks)]
    if len(images) > 1 or len({mask.name for mask in masks}) < len(masks):
        return Reject(sources[0], "pairing", f"several files of one name: {', '.join(sources)}")
    if not images:
        return Reject(sources[0], "pairing", _no_image(name, sources, data))
    if not masks:
        return Reject(sources[0], "pairing", f"an image without a mask of the same name{hint(name, images[0])}")
    masks = sorted(masks, key=lambda mask: mask.path)
    unknown = [mask for mask in masks if _is_unknown(mask, data)]
    if unknown:
        # Without that mask the truth would lack a part.
        reason = f"{unknown[0].path} is of class {unknown[0].class_name!r}, [data] classes are {data.classes}"
        return Reject(sources[0], "truth", reason)
    classes = tuple(1 + data.classes.index(mask.class_name or "") for mask in masks) if _has_classes(data) else ()
    return Sample(id=name, group=name, image=sources[0], truth=MaskFiles(tuple(sources[1:]), classes))


def _with_region(found: Sample | Reject, regions: Sequence[str], data: Reading) -> Sample | Reject:
    if isinstance(found, Reject) or not data.regions:
        return found
    if len(regions) != 1:
        what = f"several files of one name: {', '.join(regions)}" if regions else "it has no region of the same name"
        return Reject(found.image, "pairing", f"in {data.regions}: {what}")
    return replace(found, region=regions[0])


def _has_classes(data: Reading) -> bool:
    return data.mask_pattern is not None and "class" in re.compile(data.mask_pattern).groupindex


def _is_unknown(mask: _Mask, data: Reading) -> bool:
    return _has_classes(data) and mask.class_name not in data.classes


def _no_image(name: str, sources: Sequence[str], data: Reading) -> str:
    if data.mask_pattern is None:
        return "a mask without an image of the same name"
    return f"no image is named {name!r}, to which [data] mask_pattern gives {', '.join(sources)}"


def _hint(name: str, image: str, unpaired: Mapping[str, Sequence[_Mask]], similar: NameIndex) -> str:
    mask = similar_name(name, similar)
    return (
        f"; there is a mask {mask!r}: {advice(name, mask, manifest_row(image, unpaired[mask][0].path))}" if mask else ""
    )


LAYOUT = Layout(
    name="folders",
    keys=frozenset({"images", "masks", "regions", "mask_pattern", "mask"}),
    marks=(("images", "masks"),),
    listing=list_folders,
    patterns=patterns,
)
