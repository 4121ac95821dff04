"""What a folder is: how its images and masks belong together, what masks mean, and what a person must say."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from components.errors import UsageError
from components.example_gen.layouts.templates import Template
from components.example_gen.listing import detect_layout
from components.example_gen.samples import MaskFiles, Sample, entries, without_suffix
from components.imaging.files.codecs import UnreadableImage, read_image
from pipeline.config.loader import changed_config
from pipeline.config.root import Config
from pipeline.runs.init.files import Files, files_below
from pipeline.runs.init.groups import groups_in
from pipeline.runs.init.looks import evenly, look_at_masks
from pipeline.runs.init.paths import FoundPaths, find_paths
from pipeline.runs.init.questions import Ask, Question
from pipeline.runs.init.roles import role_of_folder
from pipeline.runs.init.truth import FoundTruth, found_truth

_MASKS, _IMAGES = 48, 12
"""That are looked at to tell what they are; names are all looked at."""
_SHOWN = 3
_LONGEST, _STEP = 512, 32
"""Pixels of records: of the longer side, and what networks divide sides by."""
_SPREAD, _COLOURED = 0.06, 0.001
"""Difference of channels, of their range, and share of pixels that have more, from which on an image has colours."""
_MARKS = "told by its files"
_NAMED_BY_FOLDERS = ("folders", "presplit")
"""Layouts that templates tell more of."""


@dataclass(frozen=True)
class Row:
    """A line of what was understood."""

    topic: str
    found: str
    why: str = ""


@dataclass
class Understanding:
    root: Path
    data: dict[str, Any]
    """Keys of `[data]`."""
    sections: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    """Keys of other sections, and why."""
    rows: list[Row] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    """What was taken for granted."""
    questions: list[Question] = field(default_factory=list)

    @property
    def open(self) -> list[str]:
        """What would turn the truth upside down, and nobody has said."""
        return [question.text for question in self.questions if question.default is None]

    def config(self, overrides: Sequence[str] = ()) -> Config:
        """What a recipe of it says.

        Raises:
            UsageError: an override that is none.
        """
        sections = {name: keys for name, (keys, _) in self.sections.items()}
        document = copy.deepcopy({"data": {**self.data, "input": str(self.root)}, **sections})
        return changed_config(document, overrides, self.root)

    def ask(self, ask: Ask) -> None:
        """Puts the questions; what is answered is none any more, what has a default is taken for granted."""
        for question in [*self.questions]:
            answer = ask(question)
            chosen = answer or question.default
            if chosen is None:
                continue
            self.questions.remove(question)
            for key, value in question.answers[chosen].items():
                self.data[key] = {**self.data.get(key, {}), **value} if isinstance(value, Mapping) else value
            if answer is None:
                self.unsure.append(question.granted)

    def of_topic(self, topic: str) -> list[Row]:
        """Its rows, and those below it that have no topic."""
        found: list[Row] = []
        for row in self.rows:
            if row.topic == topic or (not row.topic and found and self.rows[self.rows.index(row) - 1] in found):
                found.append(row)
        return found


def understand(folder: Path) -> Understanding:
    """Of a folder by its names, and some of its masks and images.

    Raises:
        UsageError: nothing in it is a pair of an image and its truth.
    """
    for root in _roots(folder):
        layout = detect_layout(root)
        if layout and layout not in _NAMED_BY_FOLDERS:
            return _moved(Understanding(root, {"layout": layout}, rows=[Row("layout", layout, _MARKS)]), folder)
        files = files_below(root)
        paths = find_paths([*files.images], partial(_bright_share, files))
        if paths:
            return _moved(_of_paths(files, paths), folder)
    raise UsageError(_nothing(files_below(folder)))


def _roots(folder: Path) -> Iterator[Path]:
    """The folder, those in it that are laid out, and the one above where it is a part of a data set."""
    yield folder
    if folder.is_dir() and detect_layout(folder) is None:
        yield from (each for each in entries(folder) if each.is_dir() and detect_layout(each) is not None)
    if role_of_folder(folder.resolve().name):
        yield folder.resolve().parent


def _moved(found: Understanding, asked: Path) -> Understanding:
    if found.root.resolve() != asked.resolve():
        found.rows.insert(0, Row("folder", str(found.root), f"{asked} alone holds no images with their truth"))
    return found


def _of_paths(files: Files, paths: FoundPaths) -> Understanding:
    found = Understanding(files.root, {"layout": "paths", "paths": _table(paths)})
    classes = sorted({match["class"] for name in files.images for match in _class_matches(paths, name)})
    if classes:
        found.data["classes"] = classes
    found.rows = list(_names_told(paths))
    if "{group}" in paths.image:
        found.rows.append(Row("groups", "folders, each taken for a patient", "no group is ever split"))
        found.unsure.append("that folders are patients")
    return found


def describe(found: Understanding, samples: Sequence[Sample]) -> None:
    """Adds what the pixels of some images and masks tell, and what the names of all.

    Raises:
        UsageError: none of them can be read.
    """
    files = [
        found.root / path for sample in samples if isinstance(sample.truth, MaskFiles) for path in sample.truth.paths
    ]
    if files:
        _describe_masks(found, files)
    _describe_images(found, [found.root / sample.image for sample in samples])
    if "groups" not in found.data and not found.of_topic("groups") and found.data["layout"] == "paths":
        _describe_groups(found, [PurePosixPath(sample.image) for sample in samples])


def _describe_masks(found: Understanding, files: Sequence[Path]) -> None:
    looks, faults = look_at_masks([*evenly(files, _MASKS)])
    if not looks:
        raise UsageError(f"{found.root}: none of its masks can be read, as {faults[0][0]}: {faults[0][1]}")
    truth = found_truth(looks)
    found.rows += _truth_told(truth)
    found.unsure += truth.unsure
    found.questions += [truth.question] if truth.question else []
    if truth.classes and "classes" not in found.data:
        found.data["classes"] = [*truth.classes]
    if truth.mask:
        found.data["mask"] = dict(truth.mask)


def _table(paths: FoundPaths) -> dict[str, Any]:
    region = {"region": paths.region} if paths.region else {}
    splits = {"splits": dict(paths.splits)} if paths.splits else {}
    return {"image": paths.image, "masks": [*paths.masks], **region, **splits}


def _names_told(paths: FoundPaths) -> Iterator[Row]:
    yield Row("layout", f"images at {paths.image}", f"masks at {' and '.join(paths.masks)}")
    some = paths.pairs[:: max(1, len(paths.pairs) // _SHOWN)][:_SHOWN]
    yield Row("pairs", "\n".join(f"{pair.image} <- {pair.mask}" for pair in some), "they share the part of their names")
    if paths.region:
        yield Row("region", paths.region, "covers most of each image: pixels outside are not judged")
    if paths.rounds:
        yield Row("other masks", ", ".join(paths.rounds), "differ from those in a number alone: not read")
    if paths.splits:
        told = ", ".join(f"{word} = {split}" for word, split in paths.splits.items())
        yield Row("splits", told, "folders say so")


def _truth_told(truth: FoundTruth) -> Iterator[Row]:
    yield Row("masks", truth.form, truth.why)
    for meaning in truth.meanings:
        yield Row("", f"{meaning.value} = {meaning.name}", f"{meaning.share:.2%} of pixels")


def _class_matches(paths: FoundPaths, name: str) -> Iterator[Mapping[str, str]]:
    for template in paths.masks:
        match = Template(template).match(name)
        if match and "class" in match:
            yield match


def _describe_images(found: Understanding, paths: Sequence[Path]) -> None:
    """Size and channels of records, by some of the images."""
    seen = [pixels for path in evenly(paths, _IMAGES) if (pixels := _read(path)) is not None]
    if not seen:
        raise UsageError(f"{found.root}: none of its images can be read, as {paths[0]}")
    heights, widths = ([pixels.shape[place] for pixels in seen] for place in (0, 1))
    channels = 3 if any(map(_is_coloured, seen)) else 1
    height, width = _record_size(int(np.median(heights)), int(np.median(widths)))
    sizes = f"{min(widths)} x {min(heights)} to {max(widths)} x {max(heights)}"
    depth = max(8 * pixels.itemsize for pixels in seen)
    found.rows.append(Row("images", f"{sizes} pixels, {depth} bit, {'RGB' if channels == 3 else 'gray'}"))
    found.rows.append(Row("records", f"{width} x {height}", f"at most {_LONGEST}, in steps of {_STEP}; letterboxed"))
    found.data |= {"height": height, "width": width, "channels": channels}


def _is_coloured(pixels: np.ndarray) -> bool:
    if pixels.ndim == 2:
        return False
    spread = pixels.max(axis=-1).astype(int) - pixels.min(axis=-1)
    return bool(np.mean(spread > _SPREAD * np.iinfo(pixels.dtype).max) > _COLOURED)


def _record_size(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, _LONGEST / max(height, width))
    rows, columns = (max(_STEP, round(scale * side / _STEP) * _STEP) for side in (height, width))
    return rows, columns


def _describe_groups(found: Understanding, images: Sequence[PurePosixPath]) -> None:
    """What is never split."""
    named = groups_in([without_suffix(path).name for path in images])
    if named is None:
        found.rows.append(Row("groups", "each image its own", "names share no part that could be a patient"))
        found.unsure.append("that no two images are of one patient")
        return
    name, group = named.example
    found.rows.append(Row("groups", f"{named.count} by their names, as {group} of {name}", "no group is ever split"))
    text = f"[data.groups]: is {group!r} of {name!r} a patient, as in other names that part is?"
    answers: dict[str, dict[str, Any]] = {"yes": {"groups": {"by": "pattern", "pattern": named.pattern}}, "no": {}}
    found.questions.append(Question(text, answers, "yes", f"that {group!r} of {name!r} is a patient"))


def _read(path: Path) -> np.ndarray | None:
    try:
        return read_image(path)
    except UnreadableImage:
        return None


def _bright_share(files: Files, name: str) -> float:
    pixels = _read(files.images[name])
    return 0.0 if pixels is None else float(np.mean(pixels > 0))


def _nothing(files: Files) -> str:
    kinds = Counter(path.suffix.lower() or "no suffix" for path in files.others)
    more = (
        f", and other files ({', '.join(f'{count} {kind}' for kind, count in kinds.most_common(5))})" if kinds else ""
    )
    return (
        f"{files.root}: holds {len(files.images)} images{more}, and nothing tells which is whose mask: no folder or "
        "name says mask, label, gt, seg or the like. Name them in a table manifest.csv, with the columns image and mask"
    )
