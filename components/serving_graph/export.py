"""The SavedModel with its signatures; decoding, derivation and normalisation are part of the graph."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from components.records.settings import Derivation
from components.serving_graph.adjust import adjust, is_deep
from components.serving_graph.files import refused_unless_derived
from components.serving_graph.preprocessing import MOMENTS, decode_any, decode_record_image, predict_image
from components.task import Task

Outputs = dict[str, tf.Tensor]


def export_model(model: keras.Model, folder: Path, task: Task, threshold: float, derivation: Derivation) -> None:
    """Writes a SavedModel that adjusts image files and brings them to the model's size as derivation does.

    Records and tensors have been adjusted.

    Signatures, with p the probability of the only class, which a pixel has where p >= threshold, or those of several
    classes by index, background first, of which a pixel has the most probable; K is their number:
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
    """
    height, width, channels = derivation.shape
    tiled = derivation.tiles is not None

    def predict(images: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        return model(images if moments is None else (images, moments), training=False)

    def outputs(probability: tf.Tensor) -> Outputs:
        return {"probability": probability, "mask": predicted(probability, task, threshold)}

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
        return tf.io.encode_png(predicted(probability, task, threshold)), tf.stack(files) if task.several else files[0]

    def serve_image_bytes(images: tf.Tensor) -> Outputs:
        files = refused_unless_derived(images, derivation.upright)
        masks, probabilities = tf.map_fn(serve_image, files, fn_output_signature=(tf.string, tf.string))
        return {"mask": masks, "probability": probabilities}

    archive = keras.export.ExportArchive()
    archive.track(model)
    strings = tf.TensorSpec([None], tf.string)
    tensors = tf.TensorSpec([None, height, width, channels], tf.float32, name="images")
    archive.add_endpoint("serving_default", serve_records, [_named(strings, "examples")])
    archive.add_endpoint("serve_image_bytes", serve_image_bytes, [_named(strings, "images")])
    archive.add_endpoint("serve_tensor", serve_tensor, [tensors])
    if tiled:
        moments = tf.TensorSpec([None, 2], tf.float32, name="moments")
        archive.add_endpoint("serve_windows", serve_windows, [tensors, moments])
    archive.write_out(str(folder), verbose=False)


def predicted(probability: tf.Tensor, task: Task, threshold: float) -> tf.Tensor:
    """As `Task.predicted`: class indices uint8 `(..., 1)` of probabilities `(..., K)`."""
    if task.several:
        return tf.cast(tf.argmax(probability, axis=-1), tf.uint8)[..., None]
    return tf.cast(probability >= threshold, tf.uint8)


def _named(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name=name)
