"""What training sees of a record in an epoch, by draws from (seed, id of the record, epoch) alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.imaging.augmentation.augment import AugmentationDraw, draws, generator, keeps_foreground
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp
from components.serving_graph.preprocessing import Standardize
from components.trainer.python_calls import PythonCalls
from components.trainer.settings import Patch

_CALLS = PythonCalls()
_UNTONED: dict[str, Any] = {"gamma": 1.0, "contrast": 1.0, "brightness": 0.0}


class EpochChanges:
    """Augmentation and patches, drawn anew for each record in each epoch."""

    def __init__(self, seed: int, augmentation: Augmentation | None, patch: Patch | None) -> None:
        """`augmentation` is the section `[augmentation]`, whose seed then counts, and `patch` that of `[training]`;
        None leaves records as they are, or whole."""
        self._seed = augmentation.seed if augmentation else seed
        self._augmentation = augmentation
        self._patch = patch
        self._online = bool(augmentation and augmentation.online)
        self._on_device = bool(augmentation and augmentation.on_device)
        self._standardize = Standardize()

    def __call__(
        self, image: tf.Tensor, mask: tf.Tensor, deep: tf.Tensor, record_id: tf.Tensor, epoch: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """What training sees of a record, `(H, W, C)` uint16 and `(H, W, 1)` uint8, in an epoch.

        `deep` tells whether the record has 16 bit. The image stays uint16, or is float32 and has been standardised
        where it is a patch; where the device has a share in the augmentation, float32 `(5,)` says what it must do.
        """
        kinds = (tf.uint16, tf.uint8, tf.int32, tf.float32)
        changed, classes, corner, draws = tf.numpy_function(self._called, (image, mask, deep, record_id, epoch), kinds)
        pair = tf.ensure_shape(changed, image.shape), tf.ensure_shape(classes, mask.shape)
        if self._patch:
            # By the moments of the whole record, as the model does with whole records: a window has others.
            standardized = self._standardize(tf.cast(pair[0], tf.float32)[None] / 65535.0)[0]
            size = (self._patch.height, self._patch.width)
            begin = tf.concat((corner, (0,)), 0)
            pair = tuple(tf.slice(pixels, begin, (*size, pixels.shape[-1])) for pixels in (standardized, pair[1]))
        return (*pair, tf.ensure_shape(draws, (5,))) if self._on_device else pair

    def _called(self, *record: Any) -> tuple[np.ndarray, ...]:
        with _CALLS:
            return self._changed(*record)

    def _changed(
        self, image: np.ndarray, mask: np.ndarray, deep: bool, record_id: bytes, epoch: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Image and mask after augmentation, corner of the patch, and what is left to the device."""
        rng = generator(self._seed, record_id.decode(), 0, int(epoch))
        changed, classes, device, corner = image, mask, np.zeros(5, np.float32), np.zeros(2, np.int32)
        for drawn in draws(rng, self._augmentation, image.shape) if self._augmentation else ():
            if self._on_device:
                drawn, device = without_device_share(drawn)
            if self._online:
                changed, classes = _augmented(drawn, image, mask, deep)
            if keeps_foreground(mask, classes):
                break
        if self._patch:
            corner = patch_corner(classes[..., 0], rng, self._patch)
        return changed, classes, corner, device


def without_device_share(drawn: AugmentationDraw) -> tuple[AugmentationDraw, np.ndarray]:
    """An augmentation without what `change_on_device` does, and the numbers for that, float32 `(5,)`.

    The device comes last. So tones stay where anything was drawn that acts on toned values, and flips where anything
    was drawn that moves pixels otherwise or has a place in the flipped image: in one map with these they cost nothing.
    """
    warp, intensity = drawn.warp, drawn.intensity
    unflipped, untoned = replace(warp, horizontal_flip=False, vertical_flip=False), replace(intensity, **_UNTONED)
    if untoned != Intensity():
        return drawn, np.array((False, False, *_UNTONED.values()), np.float32)
    if unflipped != Warp(border=warp.border, fill=warp.fill, interpolation=warp.interpolation):
        unflipped = warp
    flips = [getattr(warp, name) and not getattr(unflipped, name) for name in ("horizontal_flip", "vertical_flip")]
    tones = [getattr(intensity, name) for name in _UNTONED]
    return AugmentationDraw(unflipped, untoned), np.array((*flips, *tones), np.float32)


def change_on_device(images: tf.Tensor, masks: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Images float32 `(N, H, W, C)` in 0..1 and their masks after flips and, of the images, changes of their values.

    `draws` are float32 `(N, 5)`: whether left becomes right and top becomes bottom, 1 or 0, gamma, contrast and
    brightness: contrast * value ** gamma + brightness, clipped.
    """
    horizontal, vertical, gamma, contrast, brightness = tf.unstack(draws[..., None, None, None], axis=1)

    def flipped(pixels: tf.Tensor) -> tf.Tensor:
        pixels = tf.where(horizontal > 0, pixels[:, :, ::-1], pixels)
        return tf.where(vertical > 0, pixels[:, ::-1], pixels)

    return tf.clip_by_value(contrast * flipped(images) ** gamma + brightness, 0.0, 1.0), flipped(masks)


def patch_corner(mask: np.ndarray, rng: np.random.Generator, patch: Patch) -> np.ndarray:
    """First row and column of a random window of `patch`, int32 `(2,)`, within a mask `(H, W)` of classes.

    At least the share `foreground_share` of the windows of a mask with foreground holds some: that share has a pixel
    of it, each as likely as the others, within the middle half of both its sides, or as near to that as the border of
    the record lets it. The rest lie anywhere, and hold foreground by chance.
    """
    size = np.array((patch.height, patch.width))
    room = mask.shape - size
    around, anywhere, position, jitter = rng.random(), rng.random(2), rng.random(), rng.random(2)
    foreground = np.flatnonzero(mask)
    if around < patch.foreground_share and foreground.size:
        pixel = np.array(np.unravel_index(foreground[int(position * foreground.size)], mask.shape))
        corner = np.clip(pixel - (size * (0.25 + 0.5 * jitter)).astype(int), 0, room)
    else:
        corner = (anywhere * (room + 1)).astype(int)
    return corner.astype(np.int32)


class Trainee(keras.Model):
    """What is fitted in a model's place and shares its weights: it differs in the training step alone.

    Batches may hold a third tensor, what `change_on_device` must do; nothing is changed in validation.
    """

    def __init__(self, model: keras.Model, standardized: bool) -> None:
        """`standardized`: images come so for training, and go past the layer of the model that does it."""
        super().__init__(name=model.name)
        self._model = model
        self._standardized = standardized

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        trained = self._model.layers[-1] if training and self._standardized else self._model
        return trained(images, training=training)

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        return super().train_step(change_on_device(*data) if len(data) == 3 else data)


def _augmented(
    drawn: AugmentationDraw, image: np.ndarray, mask: np.ndarray, deep: bool
) -> tuple[np.ndarray, np.ndarray]:
    """At the record's own depth, like the copies that are made offline: 8 bit come multiplied by 257."""
    own = image if deep else (image >> 8).astype(np.uint8)
    changed, classes = drawn.apply(own[..., 0] if own.shape[-1] == 1 else own, mask[..., 0])
    changed = changed if deep else np.multiply(changed, 257, dtype=np.uint16)
    return changed.reshape(image.shape), classes[..., None]
