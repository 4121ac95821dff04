"""`assets.extra/tf_serving_warmup_requests`: what TensorFlow Serving asks a model before it lets others ask.

A graph is optimised when its signature is asked for the first time, so that a first user would wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from components.imaging.files.codecs import as_float, encode_png
from components.inference.operating_point import OWN
from components.records.record import Record, intensity
from components.records.settings import Derivation
from components.records.tfexample import serialize

WARMUP_FILE = "tf_serving_warmup_requests"


def write_warmup(folder: Path, derivation: Derivation) -> None:
    """Writes a request to each signature of `export_model`, whose SavedModel is in `folder`.

    Of a drawn image: those of patients would go to all who are given the model.
    """
    path = folder / "assets.extra" / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in _requests(drawn(derivation), derivation):
            log = PredictionLog(predict_log=PredictLog(request=_request(signature, inputs)))
            writer.write(log.SerializeToString(deterministic=True))


def read_warmup(folder: Path) -> list[PredictRequest]:
    """The requests that lie with a SavedModel; none where there is no such file."""
    path = folder / "assets.extra" / WARMUP_FILE
    logs = tf.data.TFRecordDataset(str(path)).as_numpy_iterator() if path.is_file() else ()
    return [PredictionLog.FromString(log).predict_log.request for log in logs]


def drawn(derivation: Derivation) -> np.ndarray:
    """A bright disc on a slope of grey: `(H, W)` or `(H, W, 3)` uint8 at the model's size."""
    height, width, channels = derivation.shape
    image = np.tile(np.linspace(20, 120, width, dtype=np.uint8), (height, 1))
    cv2.circle(image, (width // 2, height // 3), min(height, width) // 5, (220,), -1)
    return np.dstack([image] * channels) if channels > 1 else image


def _requests(image: np.ndarray, derivation: Derivation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    moments = intensity(image) if derivation.tiles else None
    nobody, truth = "warm-up", np.zeros(image.shape[:2], np.uint8)
    record = Record(image, truth, nobody, nobody, nobody, b"", {}, moments=moments)
    images = as_float(image).reshape(1, *derivation.shape)
    window = {"images": images, **({"moments": np.array([moments], np.float32)} if moments else {})}
    _, jpeg = cv2.imencode(".jpg", image)
    yield "serving_default", {"examples": [serialize(record)]}
    yield "serve_image_bytes", {"images": [encode_png(image), jpeg.tobytes()]}
    yield "serve_tensor", {"images": images}
    if moments:
        yield "serve_windows", window
    yield OWN, window


def _request(signature: str, inputs: Mapping[str, Any]) -> PredictRequest:
    """Without the name of the model, which is that of the server's config."""
    request = PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request
