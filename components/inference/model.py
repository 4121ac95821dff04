"""A served model as its users see it: a folder, and what it predicts for images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import tee
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from components.errors import UsageError
from components.imaging.adjust import adjust
from components.imaging.files.codecs import UnreadableImage, read_image, with_channels
from components.imaging.slides.slide import Slide, read_rows
from components.inference.devices import in_use
from components.inference.engines.offered import chosen
from components.inference.engines.registry import TENSORFLOW
from components.inference.filtering import Filtering
from components.inference.operating_point import OperatingPoint
from components.inference.predictor import Asking, Predictor
from components.inference.stored import stored_point, trained_for
from components.inference.strips import why_whole
from components.inference.views import VIEWS
from components.records.settings import Derivation
from components.serving_dir import MANIFEST_FILE, champion_version, check_files
from components.settings import Section
from components.state import broken_named, fault
from components.task import Task
from components.weights import check_weights

Settings = TypeVar("Settings", bound=Section)
_ANEW = "Copy the whole folder anew, or train it anew."


@dataclass(frozen=True)
class Prediction:
    """What a model says of an image."""

    source: str
    """Path of the image; empty for an array."""
    classes: np.ndarray
    """Class indices `(H, W)` uint8 at the size of the image; 0 is background."""
    probability: np.ndarray
    """float32 `(H, W, K)` in 0..1: of a single class, or of each class index, background first."""


class Model:
    """A served model; images are derived as those that it was trained on."""

    def __init__(
        self,
        folder: Path,
        task: Task,
        derivation: Derivation,
        point: OperatingPoint,
        asking: Asking,
        filtering: Filtering,
    ) -> None:
        """`folder` is that of the SavedModel, `point` how its answers, filtered, become masks."""
        self.folder = folder
        self.task = task
        self.point = point
        self.filtering = filtering
        self.engine = asking.form
        self.derivation = derivation
        self._predictor = Predictor(folder, derivation, asking)

    @property
    def view(self) -> str:
        """How it looks at an image, by the name in `VIEWS`."""
        return self._predictor.view

    @property
    def needs_whole(self) -> str:
        """Why an image must be in memory, by its kind or by how it is asked; empty where it need not."""
        by_view = f"the view {self.view} has the whole image in one window" if VIEWS[self.view].whole else ""
        by_filter = "blur and sharpening are of the whole answer" if self.filtering != Filtering() else ""
        return why_whole(self.derivation) or by_view or by_filter

    @property
    def classes(self) -> list[str]:
        """Names of the class indices 1, 2, ..."""
        return self.task.classes

    def predict(
        self,
        images: Path | str | np.ndarray | Iterable[Path | str | np.ndarray],
        point: OperatingPoint | None = None,
    ) -> Iterator[Prediction]:
        """The predictions, one after another in the order of the images; those before an image that fails come first.

        Args:
            images: one or several: paths, or arrays `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16, of any size.
            point: how probabilities become masks, in place of the model's own; what it says of answers is not heeded.

        Raises:
            UsageError: a file cannot be read as an image, or an array is none.
        """
        sources, read = tee([images] if isinstance(images, Path | str | np.ndarray) else images)
        pixels = (self._read(image) for image in read)
        for image, whole in zip(sources, self._predictor(pixels), strict=True):
            source = "" if isinstance(image, np.ndarray) else str(image)
            # Windows are answered as the point has it already.
            probability = self.filtering(whole.probability)
            classes = (point or self.point).mask(probability, self.task, whole.scale)
            yield Prediction(source, classes, probability)

    def strips(self, slide: Slide, moments: tuple[float, float], begin: int = 0) -> Iterator[np.ndarray]:
        """Probabilities float32 `(h, W, K)` of a slide from row `begin` on, in strips of rows that follow each other.

        Args:
            slide: of any size, for a model without a reason in `needs_whole`.
            moments: mean and standard deviation of all that the model sees of it, as `intensity` has them.
            begin: the first row that is wanted; from any on they are the same.

        Raises:
            UnreadableImage: the file is damaged.
        """
        size = slide.height, slide.width
        return self._predictor.strips(lambda *rows: self.as_seen(read_rows(slide, *rows)), size, moments, begin)

    def as_seen(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels `(H, W)` or `(H, W, 3)` in the channels of the model, and adjusted."""
        return adjust(with_channels(pixels, self.derivation.channels), self.derivation.adjust)

    def _read(self, image: Path | str | np.ndarray) -> np.ndarray:
        if not isinstance(image, np.ndarray):
            try:
                derivation = self.derivation
                image = read_image(Path(image), dicom_window=derivation.dicom_window, upright=derivation.upright)
            except UnreadableImage as error:
                raise UsageError(f"{image}: {error}") from error
        _check(image)
        return self.as_seen(image)


def _check(image: np.ndarray) -> None:
    shape = image.shape
    is_image = len(shape) in (2, 3) and shape[2:] in ((), (3,)) and 0 not in shape
    if not is_image or image.dtype not in (np.uint8, np.uint16):
        raise UsageError(
            f"an image of {image.dtype} {shape}: expected uint8 or uint16, (H, W) gray or (H, W, 3) RGB. Scale values "
            "in 0..1 by 255 and convert; drop an alpha channel"
        )


def load_model(
    folder: Path,
    changes: Mapping[str, Any] = MappingProxyType({}),
    blend: str = "mean",
    batch: int = 8,
    engine: str = TENSORFLOW,
    precision: str | None = None,
    view: str | None = None,
    filtering: Mapping[str, float] = MappingProxyType({}),
    heed: Callable[[], None] | None = None,
) -> Model:
    """The model of a version's folder, or the champion of a serving folder.

    Args:
        folder: that.
        changes: keys of the operating point that is stored with the model, with other values.
        blend: by its name, what windows count where they overlap.
        batch: windows that the model sees at once.
        engine: what answers windows, see `chosen`.
        precision: of the engine; None: the fastest that the model offers.
        view: by its name, how the model looks at an image; None: as it was trained.
        filtering: what is done to probabilities, by the keys of `Filtering`.
        heed: as of `Asking`.

    Raises:
        UsageError: there is none, it does not say what it was trained for, it is damaged, or it cannot be asked so.
    """
    version = champion_version(folder)
    folder = folder / version if version else folder
    if not (folder / "saved_model.pb").is_file():
        raise UsageError(f"{folder}: holds neither a model nor CHAMPION.json. Give a version's folder, or its parent.")
    check_files(folder, _ANEW)
    derivation, task = trained_for(folder, _ANEW)
    if (folder / MANIFEST_FILE).is_file():
        check_weights(folder, _ANEW)
    stored = stored_point(folder, _ANEW)
    point, filters = _changed(stored, changes, task), _validated(Filtering, filtering)
    form = chosen(folder, engine, precision, in_use())
    asking = Asking(blend=blend, batch=batch, view=view, form=form, **_windows_asked(stored, point, form))
    asking = replace(asking, heed=heed) if heed else asking
    with broken_named(folder, _ANEW, UsageError, MemoryError):
        return Model(folder, task, derivation, point, asking, filters)


def _windows_asked(stored: OperatingPoint, point: OperatingPoint, form: str) -> dict[str, Any]:
    """What is left to do to windows that the graph answers by what is stored, and faster engines by nothing."""
    in_graph, asked = ((each.mirror, each.temperature) for each in (stored, point))
    if asked == in_graph and form == TENSORFLOW:
        return {}
    return {"own": in_graph != (False, 1.0), "mirror": point.mirror, "temperature": point.temperature}


def _changed(stored: OperatingPoint, changes: Mapping[str, Any], task: Task) -> OperatingPoint:
    if "threshold" in changes and task.several:
        raise UsageError(
            f"threshold: the model has {len(task.classes)} classes, of which the most probable is predicted. Leave it"
        )
    return _validated(OperatingPoint, {**stored.model_dump(), **changes})


def _validated(section: type[Settings], values: Mapping[str, Any]) -> Settings:
    try:
        return section.model_validate({**values})
    except ValidationError as error:
        raise UsageError(fault(error)) from error
