"""What a served model must do, tried on real records. Run as a module, it is the fresh process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from components.imaging.adjust import adjust
from components.imaging.files.codecs import as_float, decode_image, encode_png
from components.records.record import Record
from components.records.tfexample import parse, read_split
from components.serving_check.settings import ServingCheckSettings
from components.task import Task

SIGNATURES = ("serving_default", "serve_image_bytes", "serve_tensor")

_RECORDS = 4
_TOLERANCE = 1e-4

Check = tuple[str, bool, str]


def check_model(model: str, serialized: list[bytes], settings: ServingCheckSettings) -> list[dict[str, Any]]:
    """Loads a SavedModel and returns its checks as `{name, passed, detail}`; none raises.

    The model adjusts files by `settings`, but not records and tensors.
    """
    try:
        checks = list(_checks(tf.saved_model.load(model).signatures, serialized, settings))
    except Exception as error:
        # Whatever a model does when it is loaded or called is a failed check, not a failed run.
        checks = [("loads and answers", False, f"{type(error).__name__}: {error}")]
    return [{"name": name, "passed": bool(passed), "detail": detail} for name, passed, detail in checks]


def _checks(signatures: Any, serialized: list[bytes], settings: ServingCheckSettings) -> Iterator[Check]:
    tiled = settings.derivation.tiles is not None
    expected = (*SIGNATURES, "serve_windows") if tiled else SIGNATURES
    missing = [name for name in expected if name not in signatures]
    yield "signatures", not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(expected)
    if missing:
        return
    records = [parse(item) for item in serialized]
    examples = tf.constant(serialized)
    answer = signatures["serving_default"](examples=examples)
    probability, mask = answer["probability"].numpy(), answer["mask"].numpy()
    yield from _form(records, probability, mask, settings.task)

    again = signatures["serving_default"](examples=examples)["probability"].numpy()
    yield _agree("same answer twice", probability, again, 0)

    def serve(signature: str, images: list[np.ndarray], **given: tf.Tensor) -> np.ndarray:
        tensors = tf.constant(np.stack([as_float(image) for image in images]))
        return signatures[signature](images=tensors, **given)["probability"].numpy()

    images = [record.image for record in records]
    if tiled:
        moments = tf.constant([record.moments for record in records], tf.float32)
        answer = serve("serve_windows", images, moments=moments)
        yield _agree("serve_windows agrees with serving_default", probability, answer, _TOLERANCE)
    else:
        answer = serve("serve_tensor", images)
        yield _agree("serve_tensor agrees with serving_default", probability, answer, _TOLERANCE)

    def serve_bytes(files: list[bytes]) -> dict[str, list[np.ndarray]]:
        answers = signatures["serve_image_bytes"](images=tf.constant(files))
        return {name: [_decoded(item) for item in answers[name].numpy()] for name in answers}

    adjusted = serve("serve_tensor", [adjust(image, settings.derivation.adjust) for image in images])
    answer = np.stack(serve_bytes([encode_png(image) for image in images])["probability"]) / 65535
    yield _agree("serve_image_bytes agrees with serve_tensor", adjusted, answer.reshape(adjusted.shape), _TOLERANCE)
    yield from _any_size(records[0].image, serve_bytes)


def _decoded(files: bytes | np.ndarray) -> np.ndarray:
    """`(H, W)` of a file, `(H, W, K)` of one for each class."""
    return decode_image(files) if isinstance(files, bytes) else np.stack([decode_image(file) for file in files], -1)


def _form(records: list[Record], probability: np.ndarray, mask: np.ndarray, task: Task) -> Iterator[Check]:
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
        yield _agree("probabilities of a pixel sum to 1", sums, np.ones_like(sums), _TOLERANCE)
    values, last = np.unique(mask).tolist(), len(task.classes)
    yield "classes", set(values) <= {*range(last + 1)}, f"{values}, expected 0 to {last}"


def _any_size(image: np.ndarray, serve: Callable[[list[bytes]], dict[str, list[np.ndarray]]]) -> Iterator[Check]:
    height, width = image.shape[0] * 3 // 2, image.shape[1] + 7
    other = cv2.resize(image, (width, height))
    eight_bit = (other // 257).astype(np.uint8) if other.dtype == np.uint16 else other
    _, jpg = cv2.imencode(".jpg", eight_bit)
    masks = serve([encode_png(other), jpg.tobytes()])["mask"]
    sizes = [mask.shape for mask in masks]
    name = f"PNG and JPG of {width} x {height} pixels come back at their size"
    yield name, sizes == [(height, width)] * 2, f"{sizes}"


def _agree(name: str, one: np.ndarray, other: np.ndarray, tolerance: float) -> Check:
    difference = float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")
    return name, difference <= tolerance, f"largest difference {difference:.2g}, allowed {tolerance:g}"


if __name__ == "__main__":
    model_dir, examples_dir, settings_json, output = sys.argv[1:]
    settings = ServingCheckSettings.model_validate_json(settings_json)
    found = check_model(model_dir, list(islice(read_split(examples_dir, settings.split), _RECORDS)), settings)
    Path(output).write_text(json.dumps(found), encoding="utf-8")
