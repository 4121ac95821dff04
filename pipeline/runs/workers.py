"""Predictions by workers of Beam, as `[execution]` has them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from components.example_gen.samples import Reject
from components.inference.model import Model
from components.predictions.inputs import Given
from components.predictions.outputs import Manner
from pipeline.config.execution import Execution
from pipeline.graph.beam import beam_arguments, check_beam
from pipeline.runs.environment import workers_told
from pipeline.runs.examined import Watch


class Workers:
    """What each of them needs beside images."""

    def __init__(
        self, execution: Execution, images: Collection[Given], model: Path, out: Path, load: Callable[[], Model]
    ) -> None:
        """`model` is the folder that `load` loads.

        Raises:
            UsageError: as `check_beam`.
        """
        folders = {"model": model, "output folder": out}
        folders |= {f"folder of {image.file}": folder for folder, image in _by_folder(images).items()}
        check_beam(execution, {what: folder.resolve() for what, folder in folders.items()})
        self._execution = execution
        self._seen = tuple(folder.absolute() for folder in folders.values())
        self._load = load
        self._out = out

    def written(
        self,
        groups: Iterable[Sequence[Given]],
        slides: Iterable[Given],
        manner: Manner,
        device: str,
        threads: int | None,
        watch: Watch,
    ) -> list[Reject]:
        """Predicts groups of images and slides."""
        from components.predictions.workers import Work, parts_of, written  # Beam

        work = Work(self._load, self._out, manner, device, threads, self._seen)
        with workers_told(self._execution):
            return written(work, parts_of(groups, slides), beam_arguments(self._execution), watch)


def _by_folder(images: Iterable[Given]) -> dict[Path, Given]:
    """Folders that are there, each with an image that is looked for in it."""
    found = {image.path.parent: image for image in images}
    return {folder: image for folder, image in found.items() if folder.is_dir()}
