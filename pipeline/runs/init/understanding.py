"""What a folder is: how its images and masks belong together, what masks mean, and what a person must say."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import UsageError
from components.example_gen.layouts.templates import Template
from components.example_gen.listing import detect_layout
from components.example_gen.samples import entries
from pipeline.config.loader import changed_config
from pipeline.config.root import Config
from pipeline.runs.init.files import Files, files_below
from pipeline.runs.init.looks import read_or_none
from pipeline.runs.init.paths import FoundPaths, find_paths
from pipeline.runs.init.questions import Ask, Question
from pipeline.runs.init.roles import role_of_folder

_SHOWN = 3
_PLAIN = re.compile(r"([^{}*]+)/\{name\}")
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
    found = Understanding(files.root, _keys(paths))
    classes = sorted({match["class"] for name in files.images for match in _class_matches(paths, name)})
    if classes:
        found.data["classes"] = classes
    found.rows = list(_names_told(paths))
    if "{group}" in paths.image:
        found.rows.append(Row("groups", "folders, each taken for a patient", "no group is ever split"))
        found.unsure.append("that folders are patients")
    return found


def _keys(paths: FoundPaths) -> dict[str, Any]:
    """Of `[data]`; of a folder of images beside one of masks the plain ones."""
    plain = [_PLAIN.fullmatch(each) for each in (paths.image, *paths.masks, paths.region or "-/{name}")]
    if len(plain) == 3 and all(plain):
        images, masks, regions = (match[1] for match in plain if match)
        return {"layout": "folders", "images": images, "masks": masks, **({"regions": regions} if paths.region else {})}
    return {"layout": "paths", "paths": _table(paths)}


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


def _class_matches(paths: FoundPaths, name: str) -> Iterator[Mapping[str, str]]:
    for template in paths.masks:
        match = Template(template).match(name)
        if match and "class" in match:
            yield match


def _bright_share(files: Files, name: str) -> float:
    pixels = read_or_none(files.images[name])
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
