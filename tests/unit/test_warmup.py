"""The requests by which TensorFlow Serving warms a model up, read as it reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.serving_graph.warmup import drawn, write_warmup
from components.task import Task


class Brightness(tf.Module):
    def __call__(self, inputs: object, training: bool = False) -> tf.Tensor:
        images = inputs[0] if isinstance(inputs, tuple) else inputs
        return tf.reduce_mean(images, axis=-1, keepdims=True)


WINDOWS = ["serving_default", "serve_image_bytes", "serve_tensor", "answer_windows"]


@pytest.mark.parametrize(
    ("derivation", "signatures"),
    [
        (Derivation(height=16, width=24), WINDOWS),
        (Derivation(height=16, width=24, channels=3, tiles=Tiles(overlap=4)), [*WINDOWS, "serve_windows"]),
    ],
    ids=["gray", "RGB tiles"],
)
def test_each_signature_answers_its_request(derivation: Derivation, signatures: list[str], tmp_path: Path) -> None:
    export_model(Brightness(), tmp_path, Task(), OperatingPoint(), derivation)
    write_warmup(tmp_path, derivation)
    model = tf.saved_model.load(str(tmp_path))
    path = tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    logs = [PredictionLog.FromString(each) for each in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()]
    assert [log.WhichOneof("log_type") for log in logs] == ["predict_log"] * len(signatures)
    requests = [log.predict_log.request for log in logs]
    assert sorted(request.model_spec.signature_name for request in requests) == sorted(signatures)
    assert set(signatures) == set(model.signatures)
    for request in requests:
        given = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        answer = model.signatures[request.model_spec.signature_name](**given)["probability"].numpy()
        if answer.dtype == np.float32:
            # What is there to be found is found: no branch of the graph is left cold.
            assert answer.shape == (1, 16, 24, 1)
            assert 0 < (answer >= 0.5).mean() < 1
        else:
            assert len(answer) == 2  # a PNG and a JPEG file


def test_the_same_requests_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_warmup(tmp_path / name, Derivation(height=16, width=16, tiles=Tiles()))
    one, other = tmp_path.glob("*/assets.extra/*")
    assert one.read_bytes() == other.read_bytes()


def test_the_image_is_of_the_form_of_records() -> None:
    assert drawn(Derivation(height=16, width=24)).shape == (16, 24)
    assert drawn(Derivation(height=16, width=24, channels=3)).shape == (16, 24, 3)
