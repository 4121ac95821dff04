"""Images that memory holds, from files to files, in groups that are asked about together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import islice
from pathlib import Path

from components.example_gen.samples import Reject
from components.imaging.files.codecs import UnreadableImage
from components.inference.model import Model
from components.parallel import ordered_map
from components.predictions.answered import Answered, Loaded, answered, load
from components.predictions.inputs import Given
from components.predictions.outputs import Manner
from components.predictions.records import keep
from components.predictions.slides import Watch

_AHEAD = 2
"""Threads that read images while others are predicted."""


def groups_of(images: Iterable[Given], size: int) -> Iterator[list[Given]]:
    """Of so many images each, the last of those that are left.

    An image is asked about beside the same others, whenever and wherever: then its answer is the same to the last bit
    on processors for which it does not go without saying.
    """
    remaining = iter(images)
    while group := list(islice(remaining, size)):
        yield group


def written(
    model: Model,
    groups: Sequence[Sequence[Given]],
    whole: Set[Given],
    out: Path,
    manner: Manner,
    watch: Watch,
) -> Iterator[Reject]:
    """Asks about groups, one after another, and writes what is asked for of those that are not `whole`; the rejects."""
    for answer in _answers(model, groups, manner, watch):
        if isinstance(answer, Reject):
            yield answer
        elif answer.given not in whole:
            try:
                keep(out, answer, manner)
            except UnreadableImage as error:
                yield Reject(str(answer.given.path), "unreadable", str(error))


def _answers(
    model: Model, groups: Sequence[Sequence[Given]], manner: Manner, watch: Watch
) -> Iterator[Answered | Reject]:
    """What becomes of each image; of a group, the rejects come last."""
    images = [each for group in groups for each in group]
    read = partial(
        load,
        derivation=model.derivation,
        needs_dicom="dicom-seg" in manner.kinds,
        needs_whole=model.needs_whole,
        spacing=manner.spacing,
    )
    found = iter(watch(ordered_map(read, images, _AHEAD), len(images)))
    for group in groups:
        unreadable: list[Reject] = []
        yield from answered(model, _readable(islice(found, len(group)), unreadable))
        yield from unreadable


def _readable(images: Iterator[Loaded | Reject], rejects: list[Reject]) -> Iterator[Loaded]:
    for image in images:
        if isinstance(image, Reject):
            rejects.append(image)
        else:
            yield image
