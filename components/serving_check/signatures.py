"""What each signature of a served model must do, tried on records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from components.imaging.adjust import adjust
from components.imaging.files.codecs import as_float, decode_image, encode_png
from components.inference.operating_point import OWN, OperatingPoint
from components.records.record import Record
from components.records.tfexample import parse
from components.serving_check.settings import ServingCheckSettings
from components.task import Task

Found = tuple[str, bool, str]
"""What was checked, whether it is so, and what was found."""

DEFAULT, FILES = "serving_default", "serve_image_bytes"
_SIGNATURES = (DEFAULT, FILES, "serve_tensor", OWN)
_TOLERANCE = 1e-4


def expected_signatures(settings: ServingCheckSettings) -> tuple[str, ...]:
    """Those of `export_model`."""
    return (*_SIGNATURES, "serve_windows") if settings.derivation.tiles else _SIGNATURES


def check_signatures(
    signatures: Any, serialized: list[bytes], settings: ServingCheckSettings, point: OperatingPoint
) -> Iterator[Found]:
    """Their answers to records by themselves, and to each other; `point` is how masks are made.

    The model adjusts files by `settings`, but not records and tensors.
    """
    records = [parse(item) for item in serialized]
    answers = _answers(signatures, serialized, records)
    probability = answers[DEFAULT]["probability"]
    yield from _form(records, probability, answers[DEFAULT]["mask"], settings.task)
    # Regions of an image are not those of its tiles.
    by = OperatingPoint(threshold=point.threshold) if settings.derivation.tiles else point
    for name, answer in answers.items():
        yield f"{name} makes masks by the evaluated operating point", *_masks_by(by, answer, settings.task)
    whole = "serve_windows" if settings.derivation.tiles else "serve_tensor"
    yield _agree(f"{whole} agrees with {DEFAULT}", probability, answers[whole]["probability"])

    def serve_bytes(files: list[bytes]) -> dict[str, list[np.ndarray]]:
        return decoded(signatures[FILES](images=tf.constant(files)))

    images = [record.image for record in records]
    adjusted = [adjust(image, settings.derivation.adjust) for image in images]
    expected = signatures["serve_tensor"](images=_tensors(adjusted))["probability"].numpy()
    found = np.stack(serve_bytes([encode_png(image) for image in images])["probability"]) / 65535
    yield _agree(f"{FILES} agrees with serve_tensor", expected, found.reshape(expected.shape))
    yield from _any_size(records[0].image, serve_bytes)


def decoded(answers: dict[str, tf.Tensor]) -> dict[str, list[np.ndarray]]:
    """The files that `serve_image_bytes` answers with."""
    return {name: [_decoded(item) for item in answers[name].numpy()] for name in answers}


def _answers(signatures: Any, serialized: list[bytes], records: list[Record]) -> dict[str, dict[str, np.ndarray]]:
    images = _tensors([record.image for record in records])
    given = {DEFAULT: {"examples": tf.constant(serialized)}, "serve_tensor": {"images": images}}
    if records[0].moments:
        moments = tf.constant([record.moments for record in records], tf.float32)
        given["serve_windows"] = {"images": images, "moments": moments}
    found = {name: signatures[name](**inputs) for name, inputs in given.items()}
    return {name: {key: value.numpy() for key, value in answer.items()} for name, answer in found.items()}


def _tensors(images: list[np.ndarray]) -> tf.Tensor:
    return tf.constant(np.stack(list(map(as_float, images))))


def _decoded(files: bytes | np.ndarray) -> np.ndarray:
    """`(H, W)` of a file, `(H, W, K)` of one for each class."""
    return decode_image(files) if isinstance(files, bytes) else np.stack([decode_image(file) for file in files], -1)


def _form(records: list[Record], probability: np.ndarray, mask: np.ndarray, task: Task) -> Iterator[Found]:
    size = (len(records), *records[0].mask.shape)
    expected, found = ((*size, task.channels), (*size, 1)), (probability.shape, mask.shape)
    yield "shape", found == expected, f"{found[0]} and {found[1]}, expected {expected[0]} and {expected[1]}"
    types = (str(probability.dtype), str(mask.dtype))
    yield "types", types == ("float32", "uint8"), f"{types}, expected float32 and uint8"
    low, high = float(probability.min()), float(probability.max())
    in_range = bool(np.isfinite(probability).all()) and 0 <= low <= high <= 1
    yield "probabilities", in_range, f"{low:.3g} to {high:.3g}, expected 0 to 1"
    if task.several:
        sums = probability.sum(axis=-1)
        yield _agree("probabilities of a pixel sum to 1", sums, np.ones_like(sums))
    values, last = np.unique(mask).tolist(), len(task.classes)
    yield "classes", set(values) <= {*range(last + 1)}, f"{values}, expected 0 to {last}"


def _any_size(image: np.ndarray, serve: Callable[[list[bytes]], dict[str, list[np.ndarray]]]) -> Iterator[Found]:
    height, width = image.shape[0] * 3 // 2, image.shape[1] + 7
    other = cv2.resize(image, (width, height))
    eight_bit = (other // 257).astype(np.uint8) if other.dtype == np.uint16 else other
    _, jpg = cv2.imencode(".jpg", eight_bit)
    masks = serve([encode_png(other), jpg.tobytes()])["mask"]
    sizes = [mask.shape for mask in masks]
    name = f"PNG and JPG of {width} x {height} pixels come back at their size"
    yield name, sizes == [(height, width)] * 2, f"{sizes}"


def _masks_by(point: OperatingPoint, answer: dict[str, np.ndarray], task: Task) -> tuple[bool, str]:
    expected = np.stack([point.mask(each, task) for each in answer["probability"]])
    found = answer["mask"].reshape(expected.shape)
    differ = np.count_nonzero(found != expected)
    return not differ, f"{differ} of {found.size} pixels are of another class than their probability makes them"


def _agree(name: str, one: np.ndarray, other: np.ndarray) -> Found:
    difference = float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")
    return name, difference <= _TOLERANCE, f"largest difference {difference:.2g}, allowed {_TOLERANCE:g}"
