"""Layout `paths`: images and masks wherever they stand, paired by what templates take from their paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.layouts.templates import Template
from components.example_gen.links import without_twins
from components.example_gen.names import unpadded
from components.example_gen.samples import (
    NO_SPLIT,
    Listing,
    MaskFiles,
    NotLaidOut,
    Reject,
    Sample,
    is_left_behind,
    is_of_kind,
    mask_suffixes,
    no_files,
    without_suffix,
)
from components.imaging.files.codecs import SUFFIXES

OTHERS = "others"
"""The kind of a file that is left out because `[data.paths] others` has it."""
_Key = tuple[str, ...]
"""Values of the fields by which files belong together."""


@dataclass(frozen=True)
class _File:
    """A file that a template matches."""

    path: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class _Sorted:
    """The files of a folder by what the templates take them for."""

    images: Sequence[_File]
    masks: Sequence[_File]
    regions: Sequence[_File]
    lost: list[Reject]
    """What has the suffix of a file and is none."""
    left_out: list[Reject]


def patterns(data: Reading) -> dict[str, str]:
    """Globs of every file that is read, and of those that are left out."""
    paths = data.paths
    region = [paths.region] if paths.region else []
    named = {"image": [paths.image], "mask": paths.masks, "region": region, "other": paths.others}
    return {
        f"{kind}_{number}": Template(text).glob for kind, texts in named.items() for number, text in enumerate(texts, 1)
    }


def list_paths(root: Path, data: Reading) -> Listing:
    """Pairs each image with the masks of the same fields, and with their region; numbers may differ in leading zeros
    where one image and one mask alone have them.

    The group is the field of that name, else the name. An id is the path of the image without suffix.

    Raises:
        NotLaidOut: the template of images matches no file.
    """
    found = _sorted(root, data)
    if not found.images:
        raise NotLaidOut(
            f"{root}: no image is at {data.paths.image!r}. Correct [data.paths] image, or give another folder."
        )
    shared = sorted(frozenset.intersection(*(Template(each).fields for each in (data.paths.image, *data.paths.masks))))
    masks, regions = _by_key(found.masks, shared), _by_key(found.regions, shared)
    samples: list[Sample] = []
    rejects = found.lost
    images_by_key = _by_key(found.images, shared)
    for files in (masks, regions):
        _rename_padded(files, images_by_key)
    for key, images in images_by_key.items():
        made = _sample(images, masks.pop(key, []), regions.pop(key, []), data)
        if isinstance(made, Sample):
            samples.append(made)
        else:
            (found.left_out if made.kind == NO_SPLIT else rejects).append(made)
    alone = [file for files in (*masks.values(), *regions.values()) for file in files]
    rejects += [Reject(file.path, "pairing", f"no image has its {_told(file, shared)}") for file in alone]
    return Listing(tuple(samples), tuple(rejects), tuple(found.left_out))


def _sorted(root: Path, data: Reading) -> _Sorted:
    """Each file by the template that matches and says most."""
    paths = data.paths
    kinds = [("masks", text) for text in paths.masks] + [("regions", text) for text in (paths.region,) if text]
    kinds += [("images", paths.image), *((OTHERS, text) for text in paths.others)]
    templates = [(kind, Template(text)) for kind, text in kinds]
    templates.sort(key=lambda each: -each[1].weight)
    suffixes = {"masks": mask_suffixes(data.mask), OTHERS: SUFFIXES | mask_suffixes(data.mask)}
    found: dict[str, list[_File]] = defaultdict(list)
    left_out: list[Reject] = []
    there = _files(root, data)
    for path in filter(Path.is_file, there):
        name = without_suffix(path.relative_to(root)).as_posix()
        source = path.relative_to(root).as_posix()
        for kind, template in templates:
            fields = template.match(name)
            if fields is not None:
                if is_of_kind(path, suffixes.get(kind, SUFFIXES)):
                    found[kind].append(_File(source, fields))
                break
        else:
            if is_of_kind(path, SUFFIXES):
                left_out.append(Reject(source, "paths", "no template of [data.paths] matches it"))
    left_out += [Reject(file.path, OTHERS, "[data.paths] others has it") for file in found[OTHERS]]
    lost = no_files(root, there, SUFFIXES | mask_suffixes(data.mask))
    return _Sorted(found["images"], found["masks"], found["regions"], [*lost], left_out)


def _files(root: Path, data: Reading) -> list[Path]:
    found = {path for glob in patterns(data).values() for path in root.glob(glob)}
    seen = (path for path in found if not any(map(is_left_behind, path.relative_to(root).parts)))
    return sorted(without_twins(root, seen))


def _by_key(files: Iterable[_File], shared: Sequence[str]) -> dict[_Key, list[_File]]:
    found: dict[_Key, list[_File]] = defaultdict(list)
    for file in files:
        found[tuple(file.fields[field] for field in shared)].append(file)
    return found


def _rename_padded(files: dict[_Key, list[_File]], images: Collection[_Key]) -> None:
    """Gives files the key of the image from which theirs differs in leading zeros alone, where that can be one only."""
    alike: dict[_Key, list[_Key]] = defaultdict(list)
    for key in {*images, *files}:
        alike[tuple(map(unpadded, key))].append(key)
    for keys in alike.values():
        alone = [key for key in keys if key not in images]
        if len(keys) == 2 and len(alone) == 1:
            [image] = {*keys} - {*alone}
            if image not in files:
                files[image] = files.pop(alone[0])


def _sample(
    images: Sequence[_File], masks: Sequence[_File], regions: Sequence[_File], data: Reading
) -> Sample | Reject:
    image, fields = images[0], {key: value for file in (*masks, images[0]) for key, value in file.fields.items()}
    masks = sorted(masks, key=lambda mask: mask.path)
    for fault in _faults(images, masks, regions, data):
        return Reject(image.path, *fault)
    by_class = [mask.fields["class"] for mask in masks if "class" in mask.fields]
    return Sample(
        id=without_suffix(Path(image.path)).as_posix(),
        group=fields.get("group", fields["name"]),
        image=image.path,
        truth=MaskFiles(tuple(mask.path for mask in masks), tuple(1 + data.classes.index(name) for name in by_class)),
        label=fields.get("label", ""),
        site=fields.get("site", ""),
        split=data.paths.splits.get(fields.get("split", ""), ""),
        region=regions[0].path if regions else "",
    )


def _faults(
    images: Sequence[_File], masks: Sequence[_File], regions: Sequence[_File], data: Reading
) -> Iterator[tuple[str, str]]:
    split = images[0].fields.get("split")
    if split is not None and data.paths.splits.get(split) == "none":
        yield NO_SPLIT, f"[data.paths] splits leave out {split!r}"
    if len(images) > 1:
        yield "pairing", f"several images of one name: {', '.join(file.path for file in images)}"
    if not masks:
        yield "pairing", f"no mask is at {' or '.join(data.paths.masks)} for it"
    if len(regions) > 1 or (data.paths.region and not regions):
        yield "pairing", f"{len(regions)} regions are at {data.paths.region} for it, expected one"
    unknown = [mask for mask in masks if mask.fields.get("class", "") not in ("", *data.classes)]
    if unknown:
        # Without that mask the truth would lack a part.
        yield (
            "truth",
            f"{unknown[0].path} is of class {unknown[0].fields['class']!r}, [data] classes are {data.classes}",
        )
    if split is not None and data.paths.splits and split not in data.paths.splits:
        yield "split", f"[data.paths] splits has no {split!r}: it has {', '.join(data.paths.splits)}"


def _told(file: _File, shared: Sequence[str]) -> str:
    return ", ".join(f"{field} {file.fields[field]!r}" for field in shared)


LAYOUT = Layout(
    name="paths",
    keys=frozenset({"paths", "mask"}),
    marks=(),
    listing=list_paths,
    patterns=patterns,
)
