"""`maskline predict`: masks of images by a served model, image after image, gone on with where it was ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from components.disk import ask_room, full_disk_named
from components.errors import ExitCode, UsageError
from components.imaging.annotations.colours import colours_of, hexadecimal
from components.imaging.annotations.dicom_seg import load_highdicom
from components.imaging.files.spacing import Spacing, spacing
from components.inference.blending import BLENDS
from components.inference.devices import CPU, GPU, compute_on, in_use
from components.inference.engines.offered import chosen
from components.inference.engines.registry import AUTO, TENSORFLOW, parts_of
from components.inference.model import Model, load_model
from components.parallel import share_accelerators
from components.predictions import groups, slides
from components.predictions.answered import Loaded, load
from components.predictions.folder import check_free, held
from components.predictions.inputs import Given, inputs_of
from components.predictions.outputs import FILES, Manner, bytes_per_pixel
from components.predictions.records import TABLES, is_whole, read_records, record_path
from components.predictions.tables import write_tables
from components.serving_dir import MANIFEST_FILE, content_sha256, read_paper
from components.serving_papers import Manifest
from pipeline.config.execution import Execution
from pipeline.runs.anonymous import hidden_images, hidden_rejects, names_of_version
from pipeline.runs.examined import Watch
from pipeline.runs.rejects import exit_code_with
from pipeline.runs.served import opened, version_folder
from pipeline.runs.workers import Workers

KINDS = (*FILES, *TABLES)
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
    colours: str = ""
    """Of the classes in pictures, as `colours_of` takes them."""
    spacing: float | None = None
    """Side of the pixels of all images in mm; None: as each tells."""

    @property
    def pixel(self) -> Spacing | None:
        return None if self.spacing is None else spacing((self.spacing, self.spacing))

    def __post_init__(self) -> None:
        everywhere = self.engine == AUTO or (self.engine == TENSORFLOW and self.precision in (None, "float32"))
        if self.device == GPU and not everywhere:
            engine = f"{self.engine} in {self.precision}" if self.precision else self.engine
            raise UsageError(
                f"--device gpu: {engine} computes on the processor. Leave --device, or take --engine {TENSORFLOW}"
            )
        for what, names, allowed in (("write", self.kinds, KINDS), ("blend", (self.blend,), BLENDS)):
            for name in names:
                if name not in allowed:
                    raise UsageError(f"--{what}: found {name!r}, expected {', '.join(sorted(allowed))}")
        if self.spacing is not None and self.pixel is None:
            raise UsageError(f"--spacing: found {self.spacing}, expected the side of a pixel in mm, above 0")


def predict(
    model: Path,
    images: Sequence[Path],
    out: Path,
    options: Options,
    resume: bool,
    watch: Watch,
    execution: Execution | None = None,
    anonymous: bool = False,
) -> dict[str, Any]:
    """Writes what a model says of images into a folder, and returns what became of them.

    Args:
        model: as `opened` takes it.
        images: files, folders and tables.
        out: a folder that is not there, or empty; or, with `resume`, that of the same command.
        options: how the model is asked, and what is written.
        resume: go on there with what is not whole.
        watch: sees the images pass.
        execution: where Beam works on them; None: without it, in this process.
        anonymous: with ids in place of names in `out`, by the salt of the model's run; `names` says of which.

    Raises:
        UsageError: the model, the images, the options, the place or `out` are not what they must be.
        DiskFull: there is no room for what will be written.
    """
    if "dicom-seg" in options.kinds:
        load_highdicom()
    if execution and execution.distributed:
        # Workers have a current folder of their own.
        images, out = [path.absolute() for path in images], out.absolute()
    inputs = inputs_of(images, out)
    if anonymous:
        if model.is_file():
            raise UsageError(f"--anonymous: {model} has no salt. Give the serving folder that it was exported from")
        if "dicom-seg" in options.kinds:
            raise UsageError("--write dicom-seg: has the patient of the DICOM image, by rule. Leave it, or --anonymous")
        inputs = replace(inputs, images=hidden_images(inputs.images, names_of_version(version_folder(model))))
    check_free(out, resume)
    share_accelerators()
    with opened(model) as folder:
        form = chosen(folder, options.engine, options.precision, options.device or in_use())
        # Faster engines compute on the processor, whatever else is there.
        device = compute_on(options.device if form == TENSORFLOW else CPU, options.threads)
        open_model, name = _loading(folder, options, form), _named(folder)
        loaded = open_model()
        kinds = sorted({"mask", *options.kinds})
        manner = Manner(kinds, name["sha256"][:_NAMED], colours_of(loaded.task, options.colours), options.pixel)
        state = {
            "model": name,
            "classes": loaded.classes,
            "operating_point": loaded.point.model_dump(),
            **{"view": loaded.view, "blend": options.blend, "batch": options.batch, "device": device, "write": kinds},
            "engine": loaded.engine,
            **loaded.filtering.model_dump(),
            "colours": hexadecimal(manner.colours),
            "spacing_mm": options.spacing,
        }
        streamed = slides.streamed(inputs.images, loaded)
        held_whole = [image for image in inputs.images if image not in streamed]
        workers = execution and Workers(execution, inputs.images, loaded.folder, out, open_model)
        _ask_room(out, held_whole, streamed, loaded, kinds)
        with full_disk_named(out), held(out, state):
            whole = {image for image in inputs.images if is_whole(out, image)}
            grouped = groups.groups_of(held_whole, options.batch)
            left = [group for group in grouped if not whole.issuperset(group)]
            slides_left = [slide for slide in streamed if slide not in whole]
            if workers:
                rejects = workers.written(left, slides_left, manner, device, options.threads, watch)
            else:
                rejects = list(groups.written(loaded, left, whole, out, manner, watch))
                rejects += slides.written(loaded, slides_left, out, manner, watch)
            slides.forget(out)
            told = hidden_rejects(rejects, inputs.images) if anonymous else rejects
            tables = write_tables(out, kinds, loaded.task, told)
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
        **({"names": {image.file: str(image.path) for image in inputs.images}} if anonymous else {}),
    }


def exit_code(told: Mapping[str, Any], max_rejects: int) -> ExitCode:
    return exit_code_with(len(told["rejects"]), told["answered"], max_rejects)


def _loading(folder: Path, options: Options, form: str) -> Callable[[], Model]:
    """What loads a model, here or elsewhere, to be asked by the same form."""
    engine, precision = parts_of(form)
    return partial(
        load_model,
        folder.absolute(),
        changes=options.point,
        blend=options.blend,
        batch=options.batch,
        engine=engine,
        precision=precision,
        view=options.view,
        filtering=options.filtering,
    )


def _named(folder: Path) -> dict[str, str]:
    """What a model is known by."""
    manifest = folder / MANIFEST_FILE
    version = read_paper(manifest, Manifest)["version"] if manifest.is_file() else ""
    return {"version": version, "sha256": content_sha256(folder)}


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
