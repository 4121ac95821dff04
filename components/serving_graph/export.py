"""The SavedModel with its three signatures; decoding, derivation and normalisation are part of the graph."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from components.records.settings import Derivation
from components.serving_graph.adjust import adjust, is_deep
from components.serving_graph.preprocessing import decode_any, decode_record_image, predict_image

Outputs = dict[str, tf.Tensor]


def export_model(model: keras.Model, folder: Path, threshold: float, derivation: Derivation) -> None:
    """Writes a SavedModel that adjusts image files and brings them to the model's size as derivation does.

    Records and tensors have been adjusted.

    Signatures, with p the probability of foreground and a pixel foreground where p >= threshold:
        serving_default: `examples`, serialized records `(N,)` -> `probability` float32 and `mask` uint8,
            `(N, H, W, 1)` at the record's size.
        serve_image_bytes: `images`, PNG or JPG files `(N,)` of any sizes -> `mask`, PNG files `(N,)` of class
            indices, and `probability`, 16-bit PNG files of p x 65535, each at the size of its image. Tiles are
            stitched, p being the mean where they overlap; outside of a crop p is 0.
        serve_tensor: `images`, float32 `(N, H, W, C)` in 0..1 -> as serving_default.
    """
    height, width, channels = model.input_shape[1:]

    def predict(images: tf.Tensor) -> tf.Tensor:
        return model(images, training=False)

    def outputs(probability: tf.Tensor) -> Outputs:
        return {"probability": probability, "mask": tf.cast(probability >= threshold, tf.uint8)}

    def serve_tensor(images: tf.Tensor) -> Outputs:
        return outputs(predict(images))

    def serve_records(examples: tf.Tensor) -> Outputs:
        features = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
        encoded = tf.io.parse_example(examples, features)["image/encoded"]
        pixels = tf.map_fn(
            lambda png: decode_record_image(png, height, width, channels),
            encoded,
            fn_output_signature=tf.uint16,
        )
        return serve_tensor(tf.cast(pixels, tf.float32) / 65535.0)

    def serve_image(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = adjust(decode_any(content, channels), derivation.adjust, is_deep(content))
        probability = predict_image(predict, image, height, width, derivation)
        mask = tf.cast(probability >= threshold, tf.uint8)
        scaled = tf.cast(tf.round(tf.clip_by_value(probability, 0.0, 1.0) * 65535.0), tf.uint16)
        return tf.io.encode_png(mask), tf.io.encode_png(scaled)

    def serve_image_bytes(images: tf.Tensor) -> Outputs:
        masks, probabilities = tf.map_fn(serve_image, images, fn_output_signature=(tf.string, tf.string))
        return {"mask": masks, "probability": probabilities}

    archive = keras.export.ExportArchive()
    archive.track(model)
    strings = tf.TensorSpec([None], tf.string)
    tensors = tf.TensorSpec([None, height, width, channels], tf.float32, name="images")
    archive.add_endpoint("serving_default", serve_records, [_named(strings, "examples")])
    archive.add_endpoint("serve_image_bytes", serve_image_bytes, [_named(strings, "images")])
    archive.add_endpoint("serve_tensor", serve_tensor, [tensors])
    archive.write_out(str(folder), verbose=False)


def _named(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name=name)
