"""`maskline predict`: masks of images by a served model, image after image, gone on with where it was ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

from components.disk import ask_room, full_disk_named
from components.errors import ExitCode, UsageError
from components.example_gen.samples import Reject
from components.imaging.annotations.dicom_seg import load_highdicom
from components.imaging.files.codecs import UnreadableImage
from components.inference.blending import BLENDS
from components.inference.devices import compute_on
from components.inference.engines.registry import TENSORFLOW
from components.inference.model import Model, load_model
from components.parallel import ordered_map, share_accelerators
from components.predictions import slides
from components.predictions.answered import Answered, Loaded, answered, load
from components.predictions.folder import check_free, held
from components.predictions.inputs import Given, inputs_of
from components.predictions.outputs import FILES, bytes_per_pixel
from components.predictions.records import TABLES, is_whole, keep, read_records, record_path
from components.predictions.tables import write_tables
from components.serving_dir import MANIFEST_FILE, content_sha256, read_paper
from components.serving_papers import Manifest
from pipeline.runs.check import Watch
from pipeline.runs.served import opened

KINDS = (*FILES, *TABLES)
_AHEAD = 2
"""Threads that read images while others are predicted."""
_LOOKED_AT = 8
"""Images by which the room is estimated that all will take."""
_NAMED = 12
"""Characters of a SHA-256."""


@dataclass(frozen=True)
class Options:
    """How a model is asked, and what is written."""

    point: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the operating point that are not as they are stored with the model."""
    blend: str = "mean"
    batch: int = 8
    """Windows that the model sees at once."""
    kinds: Sequence[str] = ("mask",)
    """What is written, of `KINDS`; masks are, always."""
    device: str | None = None
    threads: int | None = None
    engine: str = TENSORFLOW
    """What answers windows, or `auto`."""
    precision: str | None = None
    """Of the engine; None: the fastest that the model offers."""
    view: str | None = None
    """How the model looks at an image, of `VIEWS`; None: as it was trained."""
    filtering: Mapping[str, float] = field(default_factory=dict)
    """What is done to probabilities, by the keys of `Filtering`."""

    def __post_init__(self) -> None:
        for what, names, allowed in (("write", self.kinds, KINDS), ("blend", (self.blend,), BLENDS)):
            for name in names:
                if name not in allowed:
                    raise UsageError(f"--{what}: found {name!r}, expected {', '.join(sorted(allowed))}")


def predict(
    model: Path, images: Sequence[Path], out: Path, options: Options, resume: bool, watch: Watch
) -> dict[str, Any]:
    """Writes what a model says of images into a folder, and returns what became of them.

    Args:
        model: as `opened` takes it.
        images: files, folders and tables.
        out: a folder that is not there, or empty; or, with `resume`, that of the same command.
        options: how the model is asked, and what is written.
        resume: go on there with what is not whole.
        watch: sees the images pass.

    Raises:
        UsageError: the model, the images, the options or `out` are not what they must be.
        DiskFull: there is no room for what will be written.
    """
    if "dicom-seg" in options.kinds:
        load_highdicom()
    inputs = inputs_of(images, out)
    check_free(out, resume)
    share_accelerators()
    device = compute_on(options.device, options.threads)
    with _model(model, options) as (loaded, name):
        kinds = sorted({"mask", *options.kinds})
        state = {
            "model": name,
            "classes": loaded.classes,
            "operating_point": loaded.point.model_dump(),
            **{"view": loaded.view, "blend": options.blend, "batch": options.batch, "device": device, "write": kinds},
            "engine": loaded.engine,
            **loaded.filtering.model_dump(),
        }
        streamed = slides.streamed(inputs.images, loaded)
        held_whole = [image for image in inputs.images if image not in streamed]
        _ask_room(out, held_whole, streamed, loaded, kinds)
        with full_disk_named(out), held(out, state):
            whole = {image for image in inputs.images if is_whole(out, image)}
            # An image is asked about beside the same others, whenever: then its answer is the same to the last bit.
            left = [group for group in _groups(held_whole, options.batch) if not whole.issuperset(group)]
            answers = _answers(loaded, left, "dicom-seg" in kinds, watch)
            rejects = list(_written(answers, whole, out, kinds, name["sha256"][:_NAMED]))
            slides_left = [slide for slide in streamed if slide not in whole]
            rejects += slides.written(loaded, slides_left, out, kinds, name["sha256"][:_NAMED], watch)
            slides.forget(out)
            tables = write_tables(out, kinds, loaded.task, rejects)
            folders = sorted({name.partition("/")[0] for record in read_records(out) for name in record["files"]})
    return {
        **state,
        "out": str(out),
        "answered": len(inputs.images) - len(rejects),
        "of_them_before": len(whole),
        "rejects": list(map(asdict, rejects)),
        "not_read": list(map(asdict, inputs.not_read)),
        "folders": folders,
        "tables": tables,
    }


def exit_code(told: Mapping[str, Any], max_rejects: int) -> ExitCode:
    return ExitCode.DONE if told["answered"] and len(told["rejects"]) <= max_rejects else ExitCode.USAGE


@contextmanager
def _model(path: Path, options: Options) -> Iterator[tuple[Model, dict[str, str]]]:
    """With what it is known by."""
    with opened(path) as folder:
        manifest = folder / MANIFEST_FILE
        version = read_paper(manifest, Manifest)["version"] if manifest.is_file() else ""
        asked = options.point, options.blend, options.batch, options.engine, options.precision
        loaded = load_model(folder, *asked, options.view, options.filtering)
        yield loaded, {"version": version, "sha256": content_sha256(folder)}


def _groups(images: Sequence[Given], size: int) -> Iterator[list[Given]]:
    remaining = iter(images)
    while group := list(islice(remaining, size)):
        yield group


def _answers(
    model: Model, groups: Sequence[Sequence[Given]], needs_dicom: bool, watch: Watch
) -> Iterator[Answered | Reject]:
    """What becomes of each image; of a group, the rejects come last."""
    images = [each for group in groups for each in group]
    read = partial(load, derivation=model.derivation, needs_dicom=needs_dicom, needs_whole=model.needs_whole)
    found = iter(watch(ordered_map(read, images, _AHEAD), len(images)))
    for group in groups:
        unreadable: list[Reject] = []
        yield from answered(model, _readable(islice(found, len(group)), unreadable))
        yield from unreadable


def _written(
    answers: Iterator[Answered | Reject], whole: Set[Given], out: Path, kinds: Sequence[str], name: str
) -> Iterator[Reject]:
    """Writes what is not there; the rejects."""
    for answer in answers:
        if isinstance(answer, Reject):
            yield answer
        elif answer.loaded.given not in whole:
            try:
                keep(out, answer, kinds, name)
            except UnreadableImage as error:
                yield Reject(str(answer.loaded.given.path), "unreadable", str(error))


def _readable(images: Iterator[Loaded | Reject], rejects: list[Reject]) -> Iterator[Loaded]:
    for image in images:
        if isinstance(image, Reject):
            rejects.append(image)
        else:
            yield image


def _ask_room(out: Path, images: Sequence[Given], streamed: Collection[Given], model: Model, kinds: list[str]) -> None:
    """For those that have no record; of those in memory by some, evenly chosen."""
    images, large = ([each for each in given if not record_path(out, each).is_file()] for given in (images, streamed))
    chosen = images[:: max(1, len(images) // _LOOKED_AT)][:_LOOKED_AT]
    looked = [load(image, model.derivation, needs_dicom=False) for image in chosen]
    pixels = [one.pixels.shape[0] * one.pixels.shape[1] for one in looked if isinstance(one, Loaded)]
    size = len(images) * fmean(pixels or [0]) * bytes_per_pixel(kinds, model.task)
    # All probabilities of a slide are kept until it is finished.
    size += sum(map(slides.pixels_of, large)) * bytes_per_pixel([*kinds, *slides.KEPT], model.task)
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    ask_room(there, size, f"what is predicted of {len(images) + len(large)} images")
