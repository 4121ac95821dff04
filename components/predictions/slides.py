"""Slides from files to files: asked about by rows of windows, kept by bands, written when all are there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from components.errors import UsageError
from components.example_gen.samples import Reject
from components.files import write_bytes, write_json
from components.imaging.files.codecs import LIMITS, UnreadableImage, encode_png
from components.imaging.files.spacing import Spacing
from components.imaging.slides.first_look import look_at
from components.imaging.slides.opened import is_decoded_by_rows, is_slide, load_reader, open_slide
from components.imaging.slides.plane import TILE, plane_of
from components.imaging.slides.slide import Slide
from components.inference.model import Model
from components.inference.postprocess import postprocessed
from components.inference.strips import why_whole
from components.predictions.answer import in_steps
from components.predictions.answered import NO_DICOM
from components.predictions.inputs import Given
from components.predictions.outputs import Manner
from components.predictions.parts import MASK, Parts
from components.predictions.records import keep
from components.predictions.sources import REMEDY, Source, refuse_other, source_of
from components.predictions.streamed import Streamed
from components.state import read_state

UNFINISHED = "unfinished"
"""Folder of what is kept until an answer is whole."""
MOST_WHOLE = 20_000 * 20_000
"""Pixels of a mask that is read whole where something needs it: its regions take some ten bytes of each."""
KEPT = ("mask", "probability")
"""What is kept, by the names of what is written, whatever is asked for."""
_OF_REGIONS = ("geojson", "coco", "lesions")
_LOOK, _PICTURE = "look.json", "picture.png"

Watch = Callable[[Iterable[Any], int], Iterable[Any]]
"""Passes on so many items as they come."""


class _Look(TypedDict):
    source: Source
    moments: list[float]


def streamed(images: Iterable[Given], model: Model) -> dict[Given, None]:
    """Those that are asked about by regions: slides, of a model that need not have them in memory.

    Raises:
        UsageError: what reads slides is not installed; or one is larger than memory holds, where the model needs it
            whole for nothing but how it is asked.
    """
    found = [image for image in images if is_slide(image.path)]
    for given in found:
        # What cannot be opened will be a reject, and a PNG or a JPEG that must be in memory is too large for that,
        # whatever is installed.
        with suppress(UnreadableImage):
            if not (model.needs_whole and is_decoded_by_rows(given.path)):
                load_reader(given.path)
    if not model.needs_whole:
        return dict.fromkeys(found)
    if not why_whole(model.derivation):
        for given in found:
            if pixels_of(given) > LIMITS.pixels:
                raise UsageError(
                    f"{given.path}: has {pixels_of(given)} pixels, more than the {LIMITS.pixels} that are held in "
                    f"memory, and {model.needs_whole}. Predict it without, into a folder of its own"
                )
    return {}


def written(model: Model, slides: Iterable[Given], out: Path, manner: Manner, watch: Watch) -> Iterator[Reject]:
    """Asks about slides, one after another, and writes what is asked for of them; the rejects.

    Raises:
        UsageError: what is kept of one is of another image.
    """
    for given in slides:
        try:
            with open_slide(given.path, model.derivation.upright) as slide:
                _refuse(slide, model, manner.kinds)
                keep(out, _answered(model, slide, given, out, manner.spacing, watch), manner)
        except UnreadableImage as error:
            yield Reject(str(given.path), "unreadable", str(error))


def pixels_of(given: Given) -> int:
    """How many a slide has; 0 of one that cannot be read."""
    try:
        with open_slide(given.path, upright=False) as slide:
            return slide.height * slide.width
    except UnreadableImage:
        return 0


def forget(out: Path) -> None:
    """Removes all that was kept for a next time."""
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)


def _refuse(slide: Slide, model: Model, kinds: Sequence[str]) -> None:
    if "dicom-seg" in kinds:
        raise UnreadableImage(NO_DICOM)
    named = [f"--write {kind}" for kind in _OF_REGIONS if kind in kinds]
    if model.point.postprocesses:
        named.append("post-processing (by --no-fill-holes --least-region 0 --no-largest)")
    if named and slide.height * slide.width > MOST_WHOLE:
        raise UnreadableImage(
            f"has {slide.width} x {slide.height} pixels, and regions are found in at most {MOST_WHOLE}: leave out "
            f"{' and '.join(named)} for it"
        )


def _answered(model: Model, slide: Slide, given: Given, out: Path, spacing: Spacing | None, watch: Watch) -> Streamed:
    folder = out / UNFINISHED / f"{given.name}.parts"
    folder.mkdir(parents=True, exist_ok=True)
    parts = Parts(folder, slide.height, slide.width)
    first = parts.done
    strips = model.strips(slide, _moments(model, slide, given, folder), first * TILE)
    bands = _banded(strips, model, slide)
    for number, band in enumerate(watch(bands, -(-slide.height // TILE) - first), first):
        parts.keep(number, band)
    mask = parts.plane(MASK, np.uint8)
    if model.point.postprocesses:
        mask = plane_of(postprocessed(mask.whole(), model.point))
    planes = [parts.plane(f"p{channel}", np.uint16) for channel in range(model.task.channels)]
    return Streamed(given, model.task, spacing or slide.spacing, mask, planes, folder / _PICTURE)


def _moments(model: Model, slide: Slide, given: Given, folder: Path) -> tuple[float, float]:
    """Mean and standard deviation of the slide, as they were found before, or now, with its picture."""
    path = folder / _LOOK
    if path.is_file():
        known = read_state(path, _Look, REMEDY)
        refuse_other(path, known["source"], given)
        mean, std = known["moments"]
        return mean, std
    look = look_at(slide, model.as_seen)
    write_bytes(folder / _PICTURE, encode_png(look.picture))
    write_json(path, _Look(source=source_of(given), moments=[*look.moments]))
    return look.moments


def _banded(strips: Iterable[np.ndarray], model: Model, slide: Slide) -> Iterator[dict[str, np.ndarray]]:
    """Rows of each plane, `TILE` at a time; the last as many as are left. They are overwritten by the next."""
    task, point = model.task, model.point
    names = [f"p{channel}" for channel in range(task.channels)]
    band = {name: np.empty((TILE, slide.width), np.uint16) for name in names}
    band[MASK] = np.empty((TILE, slide.width), np.uint8)
    filled = 0
    for whole in strips:
        for strip in filter(len, (whole[: TILE - filled], whole[TILE - filled :])):
            if not np.isfinite(strip).all():
                raise UnreadableImage("the model answers with what is no number")
            filled %= TILE
            rows = slice(filled, filled + len(strip))
            for channel, name in enumerate(names):
                band[name][rows] = in_steps(strip[..., channel])
            band[MASK][rows] = task.predicted(strip, point.threshold)
            filled += len(strip)
            if filled == TILE:
                yield band
    if 0 < filled < TILE:
        yield {name: rows[:filled] for name, rows in band.items()}
