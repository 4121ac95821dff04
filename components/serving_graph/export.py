"""The SavedModel with its signatures; decoding, derivation and normalisation are part of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

from components.imaging.files.limits import LIMITS
from components.inference.operating_point import OWN, OperatingPoint
from components.records.settings import Derivation
from components.serving_graph.adjust import adjust, is_deep
from components.serving_graph.files import refused_unless_derived
from components.serving_graph.operating_point import answering, masked, predicted
from components.serving_graph.preprocessing import (
    MOMENTS,
    Predict,
    decode_any,
    decode_record_image,
    predict_image,
    scale_of,
)
from components.task import Task

Outputs = dict[str, tf.Tensor]
_MOMENTS = tf.TensorSpec([None, 2], tf.float32, name="moments")


class Answering(Protocol):
    """What is tracked by TensorFlow and answers windows, or windows with moments: a Keras model, or `Windows`."""

    def __call__(self, inputs: Any, training: bool = False) -> tf.Tensor: ...


class Windows(tf.Module):
    """What `export_windows` has written."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._loaded = tf.saved_model.load(str(folder))

    def __call__(self, inputs: Any, training: bool = False) -> tf.Tensor:
        signatures = self._loaded.signatures
        if isinstance(inputs, tuple):
            images, moments = inputs
            return signatures["serve_windows"](images=images, moments=moments)["probability"]
        return signatures["serve_tensor"](images=inputs)["probability"]


def export_windows(model: keras.Model, folder: Path, derivation: Derivation) -> None:
    """Writes a SavedModel that answers windows and does nothing else: what is not served, but still to be measured.

    Signatures, the probabilities `(N, H, W, K)` as of those that are served:
        serve_tensor: `images`, float32 `(N, H, W, C)` in 0..1 -> `probability`.
        serve_windows, of models of tiles alone: `images` and `moments` `(N, 2)`, mean and standard deviation of the
            whole image of which each is a part -> `probability`.
    """
    predict = _own_answer(model)

    def serve_tensor(images: tf.Tensor) -> Outputs:
        return {"probability": predict(images)}

    def serve_windows(images: tf.Tensor, moments: tf.Tensor) -> Outputs:
        return {"probability": predict(images, moments)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve_tensor", serve_tensor, [_windows(derivation)])
    if derivation.tiles:
        archive.add_endpoint("serve_windows", serve_windows, [_windows(derivation), _MOMENTS])
    archive.write_out(str(folder), verbose=False)


def export_model(
    model: Answering,
    folder: Path,
    task: Task,
    point: OperatingPoint,
    derivation: Derivation,
    max_pixels: int = LIMITS.pixels,
) -> None:
    """Writes a SavedModel that adjusts image files and brings them to the model's size as derivation does.

    Records and tensors have been adjusted. Files of more than `max_pixels` are refused before they are decoded.

    Signatures, with p the probability of the only class, which a pixel has where p >= threshold, or those of several
    classes by index, background first, of which a pixel has the most probable; K is their number, and `point` says the
    threshold, what becomes of a window's answer and, but for tiles of an image, of a mask:
        serving_default: `examples`, serialized records `(N,)` -> `probability` float32 `(N, H, W, K)` and `mask`
            uint8 class indices `(N, H, W, 1)`, at the record's size.
        serve_image_bytes: `images`, PNG or JPG files `(N,)` of any sizes -> `mask`, PNG files `(N,)` of class
            indices, and `probability`, 16-bit PNG files of p x 65535, `(N,)` of one class or `(N, K)` of several, each
            at the size of its image. Tiles are standardised by the moments of the whole image and stitched, p being
            the mean where they overlap; outside of a crop p is 0, of background 1. Files that derivation would refuse
            or turn are refused: see `components.serving_graph.files`.
        serve_tensor: `images`, float32 `(N, H, W, C)` in 0..1 -> as serving_default.
        serve_windows, of models of tiles alone: as serve_tensor, with `moments` `(N, 2)`, mean and standard deviation
            of the whole image of which each is a part.
        answer_windows: `images`, of models of tiles with `moments` -> `probability`, the model's own answer to
            windows, whatever `point` is: for those who ask by another one.
    """
    height, width, channels = derivation.shape
    tiled = derivation.tiles is not None
    own = _own_answer(model)
    predict = answering(own, point)

    def answer_windows(images: tf.Tensor, moments: tf.Tensor | None = None) -> Outputs:
        return {"probability": own(images, moments)}

    def outputs(probability: tf.Tensor) -> Outputs:
        if tiled or not point.postprocesses:
            return {"probability": probability, "mask": predicted(probability, task, point.threshold)}
        masks = tf.map_fn(lambda each: masked(each, task, point, 1.0), probability, fn_output_signature=tf.uint8)
        return {"probability": probability, "mask": masks}

    def serve_tensor(images: tf.Tensor) -> Outputs:
        return outputs(predict(images))

    def serve_windows(images: tf.Tensor, moments: tf.Tensor) -> Outputs:
        return outputs(predict(images, moments))

    def serve_records(examples: tf.Tensor) -> Outputs:
        features = {"image/encoded": tf.io.FixedLenFeature([], tf.string), **(MOMENTS if tiled else {})}
        parsed = tf.io.parse_example(examples, features)
        pixels = tf.map_fn(
            lambda png: decode_record_image(png, height, width, channels),
            parsed["image/encoded"],
            fn_output_signature=tf.uint16,
        )
        moments = tf.stack([parsed[name] for name in MOMENTS], axis=1) if tiled else None
        return outputs(predict(tf.cast(pixels, tf.float32) / 65535.0, moments))

    def serve_image(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = adjust(decode_any(content, channels), derivation.adjust, is_deep(content))
        probability = predict_image(predict, image, height, width, task.channels, derivation)
        scaled = tf.cast(tf.round(tf.clip_by_value(probability, 0.0, 1.0) * 65535.0), tf.uint16)
        files = [tf.io.encode_png(scaled[..., index, None]) for index in range(task.channels)]
        mask = masked(probability, task, point, scale_of(tf.shape(image)[:2], height, width, derivation))
        return tf.io.encode_png(mask), tf.stack(files) if task.several else files[0]

    def serve_image_bytes(images: tf.Tensor) -> Outputs:
        files = refused_unless_derived(images, derivation.upright, max_pixels)
        masks, probabilities = tf.map_fn(serve_image, files, fn_output_signature=(tf.string, tf.string))
        return {"mask": masks, "probability": probabilities}

    archive = keras.export.ExportArchive()
    archive.track(model)
    strings = tf.TensorSpec([None], tf.string)
    archive.add_endpoint("serving_default", serve_records, [_named(strings, "examples")])
    archive.add_endpoint("serve_image_bytes", serve_image_bytes, [_named(strings, "images")])
    archive.add_endpoint("serve_tensor", serve_tensor, [_windows(derivation)])
    if tiled:
        archive.add_endpoint("serve_windows", serve_windows, [_windows(derivation), _MOMENTS])
    archive.add_endpoint(OWN, answer_windows, [_windows(derivation), *([_MOMENTS] if tiled else [])])
    archive.write_out(str(folder), verbose=False)


def _own_answer(model: Answering) -> Predict:
    def predict(images: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        return model(images if moments is None else (images, moments), training=False)

    return predict


def _windows(derivation: Derivation) -> tf.TensorSpec:
    return tf.TensorSpec([None, *derivation.shape], tf.float32, name="images")


def _named(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name=name)
