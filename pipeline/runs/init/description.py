"""What pixels tell of a folder: what masks mean, and how large images are; and of names, whether they hold patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from components.errors import UsageError
from components.example_gen.samples import MaskFiles, Sample, without_suffix
from pipeline.runs.init.groups import groups_in
from pipeline.runs.init.looks import evenly, look_at_masks, read_or_none, segment_names
from pipeline.runs.init.questions import Question
from pipeline.runs.init.truth.core import found_truth
from pipeline.runs.init.truth.meanings import FoundTruth
from pipeline.runs.init.understanding import Row, Understanding

_MASKS, _IMAGES = 48, 12
"""That are looked at to tell what they are; names are all looked at."""
_MOST_CLASSES = 24
"""Names of segments up to which each is a class."""
_BY_NAMES = ("paths", "folders", "annotations", "via")
"""Layouts that know nothing of patients but what names tell."""
_LONGEST, _STEP = 512, 32
"""Pixels of records: of the longer side, and what networks divide sides by."""
_SPREAD, _COLOURED = 0.06, 0.001
"""Difference of channels, of their range, and share of pixels that have more, from which on an image has colours."""


def describe(found: Understanding, samples: Sequence[Sample]) -> None:
    """Adds what the pixels of some images and masks tell, and what the names of all.

    Raises:
        UsageError: none of them can be read.
    """
    files = [
        found.root / path for sample in samples if isinstance(sample.truth, MaskFiles) for path in sample.truth.paths
    ]
    if files and "mask" not in found.data:
        _describe_masks(found, files)
    _describe_images(found, [found.root / sample.image for sample in samples])
    if "groups" not in found.data and not found.of_topic("groups") and found.data["layout"] in _BY_NAMES:
        _describe_groups(found, [PurePosixPath(sample.image) for sample in samples])


def _describe_masks(found: Understanding, files: Sequence[Path]) -> None:
    chosen = [*evenly(files, _MASKS)]
    if segments := segment_names(chosen):
        _describe_segments(found, segments)
        return
    looks, faults = look_at_masks(chosen)
    if not looks:
        raise UsageError(f"{found.root}: none of its masks can be read, as {faults[0][0]}: {faults[0][1]}")
    truth = found_truth(looks)
    found.rows += _truth_told(truth)
    found.unsure += truth.unsure
    found.questions += truth.questions
    if truth.classes and "classes" not in found.data:
        found.data["classes"] = [*truth.classes]
    if truth.mask:
        found.data["mask"] = dict(truth.mask)


def _describe_segments(found: Understanding, names: Sequence[str]) -> None:
    """Of DICOM segmentations, whose segments have names."""
    classes = [*names] if 1 < len(names) <= _MOST_CLASSES else []
    if classes and "classes" not in found.data:
        found.data["classes"] = classes
    if classes:
        found.data["mask"] = {"form": "indices"}
    told = f"their segments are called {', '.join(names[:_MOST_CLASSES])}"
    found.rows.append(Row("masks", "DICOM segmentations", told))
    if len(names) > _MOST_CLASSES:
        found.unsure.append(f"that the {len(names)} names of segments are one class, foreground")


def _truth_told(truth: FoundTruth) -> Iterator[Row]:
    yield Row("masks", truth.form, truth.why)
    for meaning in truth.meanings:
        yield Row("", f"{meaning.value} = {meaning.name}", f"{meaning.share:.2%} of pixels")


def _describe_images(found: Understanding, paths: Sequence[Path]) -> None:
    """Size and channels of records, by some of the images."""
    seen = [pixels for path in evenly(paths, _IMAGES) if (pixels := read_or_none(path)) is not None]
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
    granted = f"that {group!r} of {name!r} is a patient"
    found.questions.append(Question(text, answers, "yes", granted, topic="groups"))
