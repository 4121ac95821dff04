"""The ways in which a served model can be asked: each signature, and each faster engine that is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.imaging.adjust import adjust
from components.imaging.files.codecs import as_float, encode_png
from components.inference.engines.engine import IMAGES, MOMENTS, PROBABILITY, Asked
from components.inference.engines.offered import open_form, verdicts
from components.inference.engines.registry import FORMS, TENSORFLOW
from components.inference.engines.tensorflow import PROCESSOR
from components.inference.operating_point import OWN, OperatingPoint
from components.inference.predictor import Asking, Predictor
from components.inference.windows import Whole
from components.records.record import Record
from components.records.sources import at_source_size
from components.records.tfexample import parse
from components.serving_check.cases import Tried
from components.serving_check.settings import ServingCheckSettings
from components.serving_check.signatures import DEFAULT, FILES, decoded, expected_signatures

Answer = tuple[np.ndarray, np.ndarray, float]
"""Probabilities `(H, W, channels)` of a case, the mask `(H, W)` that they should give, and the scale of its pixels."""


@dataclass(frozen=True)
class Served:
    """A model whose engines lie within its folder, as they do in a version's."""

    folder: Path
    signatures: Mapping[str, Any]
    settings: ServingCheckSettings
    point: OperatingPoint
    """That was evaluated."""

    @property
    def ways(self) -> list[str]:
        """Signatures, and forms such as `openvino-int8`."""
        forms = verdicts(self.folder)
        return [*expected_signatures(self.settings), *(form for form in forms if forms[form]["offered"])]

    def ask(self, way: str, case: Tried) -> Callable[[], np.ndarray]:
        """A request of one record, window or file, which answers with probabilities or files of them."""
        window = _window(parse(case.serialized))
        if way in FORMS:
            engine = open_form(self.folder, way, own=True, device=PROCESSOR)
            return lambda: engine(window)
        given = {
            DEFAULT: {"examples": tf.constant([case.serialized])},
            FILES: {IMAGES: tf.constant([encode_png(case.source.image)])},
        }.get(way) or {IMAGES: tf.constant(window.images)}
        if self.settings.derivation.tiles and way in (OWN, "serve_windows"):
            given[MOMENTS] = tf.constant(window.moments)
        return lambda: self.signatures[way](**given)[PROBABILITY].numpy()

    def answers(self, way: str, cases: Sequence[Tried]) -> Iterator[Answer]:
        """To whole cases; none of what answers to a single tile, as if it were an image or a record."""
        if way == FILES:
            return self._of_files(cases)
        if self.settings.derivation.tiles and way in (DEFAULT, "serve_tensor"):
            return iter(())
        if way == DEFAULT:
            found = (Whole(self.ask(way, case)()[0], 1.0) for case in cases)
            return _as_judged(cases, found)
        return _as_judged(cases, self._predictor(way)(case.source.image for case in cases))

    def _predictor(self, way: str) -> Predictor:
        own = way == OWN or way in FORMS
        asking = Asking(
            form=way if way in FORMS else TENSORFLOW,
            device=PROCESSOR if way in FORMS else None,
            own=own,
            mirror=own and self.point.mirror,
            temperature=self.point.temperature if own else 1.0,
        )
        return Predictor(self.folder, self.settings.derivation, asking)

    def _of_files(self, cases: Sequence[Tried]) -> Iterator[Answer]:
        """Records have been adjusted, and files are: what these should give is what adjusted images do."""
        derivation = self.settings.derivation
        adjusted = self._predictor(OWN)(adjust(case.source.image, derivation.adjust) for case in cases)
        for case, expected in zip(cases, adjusted, strict=True):
            answer = decoded(self.signatures[FILES](images=tf.constant([encode_png(case.source.image)])))
            [files], [mask] = answer[PROBABILITY], answer["mask"]
            probability = files.reshape(*mask.shape, -1).astype(np.float32) / 65535
            for each in (mask, self.point.mask(expected.probability, self.settings.task, expected.scale)):
                yield probability, each, expected.scale


def _as_judged(cases: Sequence[Tried], found: Iterable[Whole]) -> Iterator[Answer]:
    for case, whole in zip(cases, found, strict=True):
        truth, probability = at_source_size(case.source, whole.probability)
        yield probability, case.mask, whole.scale * truth.size / case.source.mask.size


def _window(record: Record) -> Asked:
    return Asked(as_float(record.image)[None], np.array([record.moments or record.intensity], np.float32))
