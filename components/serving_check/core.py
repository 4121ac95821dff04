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

from components.imaging.adjust import Adjust, adjust
from components.imaging.files.codecs import as_float, decode_image, encode_png
from components.records.record import Record
from components.records.tfexample import parse, read_split

SIGNATURES = ("serving_default", "serve_image_bytes", "serve_tensor")

_RECORDS = 4
_TOLERANCE = 1e-4

Check = tuple[str, bool, str]


def check_model(model: str, serialized: list[bytes], settings: Adjust) -> list[dict[str, Any]]:
    """Loads a SavedModel and returns its checks as `{name, passed, detail}`; none raises.

    `settings` is the `[data.adjust]` section, by which the model adjusts files, but not records and tensors.
    """
    try:
        checks = list(_checks(tf.saved_model.load(model).signatures, serialized, settings))
    except Exception as error:
        # Whatever a model does when it is loaded or called is a failed check, not a failed run.
        checks = [("loads and answers", False, f"{type(error).__name__}: {error}")]
    return [{"name": name, "passed": bool(passed), "detail": detail} for name, passed, detail in checks]


def _checks(signatures: Any, serialized: list[bytes], settings: Adjust) -> Iterator[Check]:
    missing = [name for name in SIGNATURES if name not in signatures]
    yield "signatures", not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(SIGNATURES)
    if missing:
        return
    records = [parse(item) for item in serialized]
    examples = tf.constant(serialized)
    answer = signatures["serving_default"](examples=examples)
    probability, mask = answer["probability"].numpy(), answer["mask"].numpy()
    yield from _form(records, probability, mask)

    again = signatures["serving_default"](examples=examples)["probability"].numpy()
    yield _agree("same answer twice", probability, again, 0)

    def serve_tensor(images: list[np.ndarray]) -> np.ndarray:
        tensors = np.stack([as_float(image) for image in images])
        return signatures["serve_tensor"](images=tf.constant(tensors))["probability"].numpy()

    answer = serve_tensor([record.image for record in records])
    yield _agree("serve_tensor agrees with serving_default", probability, answer, _TOLERANCE)

    def serve_bytes(files: list[bytes]) -> dict[str, list[np.ndarray]]:
        answers = signatures["serve_image_bytes"](images=tf.constant(files))
        return {name: [decode_image(item) for item in answers[name].numpy()] for name in answers}

    adjusted = serve_tensor([adjust(record.image, settings) for record in records])[..., 0]
    answer = np.stack(serve_bytes([encode_png(record.image) for record in records])["probability"]) / 65535
    yield _agree("serve_image_bytes agrees with serve_tensor", adjusted, answer, _TOLERANCE)
    yield from _any_size(records[0].image, serve_bytes)


def _form(records: list[Record], probability: np.ndarray, mask: np.ndarray) -> Iterator[Check]:
    expected = (len(records), *records[0].mask.shape, 1)
    yield "shape", probability.shape == expected == mask.shape, f"{probability.shape}, expected {expected}"
    types = (str(probability.dtype), str(mask.dtype))
    yield "types", types == ("float32", "uint8"), f"{types}, expected float32 and uint8"
    low, high = float(probability.min()), float(probability.max())
    in_range = bool(np.isfinite(probability).all()) and 0 <= low <= high <= 1
    yield "probabilities", in_range, f"{low:.3g} to {high:.3g}, expected 0 to 1"
    values = np.unique(mask).tolist()
    yield "classes", set(values) <= {0, 1}, f"{values}, expected 0 and 1"


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
    model_dir, examples_dir, adjust_settings, output = sys.argv[1:]
    found = check_model(
        model_dir, list(islice(read_split(examples_dir, "eval"), _RECORDS)), Adjust.model_validate_json(adjust_settings)
    )
    Path(output).write_text(json.dumps(found), encoding="utf-8")
