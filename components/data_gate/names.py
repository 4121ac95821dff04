"""Whether names tell that several images are of one patient, where no group rule says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath

from components.data_gate.entries import Entry
from components.data_gate.findings import Finding, finding
from components.data_gate.leaks import named
from components.example_gen.samples import without_suffix

_PATTERNS = (r"^(.+)[-_.\s][^-_.\s]+$", r"^([^-_.\s]+)[-_.\s]", r"[-_.\s]([^-_.\s]+)$")
"""Parts of a name that may be the patient: all but the last word, the first word, the last word."""
_MOST_IMAGES = 12
"""Of one patient; what more images share is a prefix, a view or a date."""


def ungrouped(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Every image is a group of its own: right, or the group rule has been forgotten."""
    images = list({entry.source: entry for entry in entries}.values())
    groups = sorted({entry.group for entry in entries})
    if len(groups) < max(2, len(images)):
        return
    for rule, patients in _candidates(images):
        torn = [same for same in patients if len({entry.split for entry in same}) > 1]
        if torn:
            yield from finding(
                "patients in several splits?",
                "images in one folder, or with like names, that are not grouped",
                f"If they are of one patient, set [data.groups] {rule}.",
                (named(same) for same in torn),
                stops=False,
            )
            return
    yield from finding(
        "one image per group",
        "every image is a group (patient) of its own",
        'Where a patient has several images, set [data.groups] by = "pattern" and a pattern that finds the patient '
        "in the name.",
        groups,
        stops=False,
    )


def _candidates(images: Sequence[Entry]) -> Iterator[tuple[str, list[list[Entry]]]]:
    """Rules that may tell the patients, and the images of each."""
    yield 'by = "folder"', _patients(images, lambda path: path.parent.name)
    for pattern in _PATTERNS:
        yield f"by = \"pattern\", pattern = '{pattern}'", _patients(images, partial(_capture, pattern))


def _capture(pattern: str, path: PurePosixPath) -> str:
    match = re.search(pattern, without_suffix(path).name)
    return match[1] if match else ""


def _patients(images: Sequence[Entry], patient: Callable[[PurePosixPath], str]) -> list[list[Entry]]:
    """Images by what is found in their paths; none where that is no patient."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for image in images:
        name = patient(PurePosixPath(image.source))
        if name:
            found[name].append(image)
    if len(found) < 2 or max(map(len, found.values())) > _MOST_IMAGES:
        return []
    return list(found.values())
