"""What training sees of a record in an epoch, by draws from (seed, id of the record, epoch) alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from components.imaging.augmentation.augment import AugmentationDraw, draws, generator, keeps_foreground
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp
from components.imaging.truth.classes import judged, present
from components.serving_graph.preprocessing import moments
from components.trainer.python_calls import CALLS
from components.trainer.sampling import BY_SHARE
from components.trainer.settings import Patch

Sample = dict[str, tf.Tensor]
"""By name, what is known of a record: see `components.trainer.batches`."""
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

    def __call__(self, record: Sample, epoch: tf.Tensor) -> Sample:
        """What training sees of a record in an epoch: `image`, `(H, W, C)` uint16, and `mask`, `(H, W, 1)` uint8.

        `visit` and `around`, of records that a plan has drawn, see `components.trainer.sampling`: of each visit in an
        epoch other changes are made, and around that lies the window.

        A patch comes with `moments`, those of the whole record where that has none: a window has others. Where the
        device has a share in the augmentation, `draws`, float32 `(5,)`, say what it must do.
        """
        kinds = (tf.uint16, tf.uint8, tf.int32, tf.float32)
        given = [record[name] for name in ("image", "mask", "deep", "id")]
        drawn = record.get("visit", 0), record.get("around", BY_SHARE)
        image, mask, corner, draws = tf.numpy_function(self._called, (*given, epoch, *drawn), kinds)
        changed = {"image": tf.ensure_shape(image, given[0].shape), "mask": tf.ensure_shape(mask, given[1].shape)}
        if "moments" in record:
            changed["moments"] = record["moments"]
        if self._patch:
            changed = _window(changed, corner, (self._patch.height, self._patch.width))
        return {**changed, "draws": tf.ensure_shape(draws, (5,))} if self._on_device else changed

    def _called(self, *record: Any) -> tuple[np.ndarray, ...]:
        with CALLS:
            return self._changed(*record)

    def _changed(
        self, image: np.ndarray, mask: np.ndarray, deep: bool, record_id: bytes, epoch: int, visit: int, around: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Image and mask after augmentation, corner of the patch, and what is left to the device."""
        rng = generator(self._seed, record_id.decode(), int(visit), int(epoch))
        changed, classes, device, corner = image, mask, np.zeros(5, np.float32), np.zeros(2, np.int32)
        for drawn in draws(rng, self._augmentation, image.shape) if self._augmentation else ():
            if self._on_device:
                drawn, device = without_device_share(drawn)
            if self._online:
                changed, classes = _augmented(drawn, image, mask, deep)
            if keeps_foreground(mask, classes):
                break
        if self._patch:
            corner = patch_corner(classes[..., 0], rng, self._patch, int(around))
        return changed, classes, corner, device


def _window(sample: Sample, corner: tf.Tensor, size: tuple[int, int]) -> Sample:
    begin = tf.concat((corner, (0,)), 0)
    whole = tf.cast(sample["image"], tf.float32)[None] / 65535.0
    return {
        "moments": sample["moments"] if "moments" in sample else moments(whole)[0],
        **{name: tf.slice(sample[name], begin, (*size, sample[name].shape[-1])) for name in ("image", "mask")},
    }


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


def change_on_device(inputs: Any, truth: tf.Tensor, draws: tf.Tensor) -> tuple[Any, tf.Tensor]:
    """Images float32 `(N, H, W, C)` in 0..1 and their truth after flips and, of the images, changes of their values.

    Images may come in a pair with their moments, which stay. `draws` are float32 `(N, 5)`: whether left becomes right
    and top becomes bottom, 1 or 0, gamma, contrast and brightness: contrast * value ** gamma + brightness, clipped.
    """
    horizontal, vertical, gamma, contrast, brightness = tf.unstack(draws[..., None, None, None], axis=1)

    def flipped(pixels: tf.Tensor) -> tf.Tensor:
        pixels = tf.where(horizontal > 0, pixels[:, :, ::-1], pixels)
        return tf.where(vertical > 0, pixels[:, ::-1], pixels)

    images, *kept = inputs if isinstance(inputs, tuple | list) else (inputs,)
    toned = tf.clip_by_value(contrast * flipped(images) ** gamma + brightness, 0.0, 1.0)
    return (toned, *kept) if kept else toned, flipped(truth)


def patch_corner(mask: np.ndarray, rng: np.random.Generator, patch: Patch, around: int = BY_SHARE) -> np.ndarray:
    """First row and column of a random window of `patch`, int32 `(2,)`, within a mask `(H, W)` of classes.

    At least the share `foreground_share` of the windows of a mask with foreground holds some: that share has a pixel
    of it within the middle half of both its sides, or as near to that as the border of the record lets it. Each class
    of the mask is as likely as the others, so that rare ones are seen, and within it each pixel. The rest lie anywhere,
    and hold foreground by chance; where such a window would hold no pixel that is judged, it is drawn around one.

    `around` is a class that the window is to hold in any case, or `ANY_CLASS`; of a mask without that class, any.
    """
    size = np.array((patch.height, patch.width))
    chance, anywhere, position, jitter = rng.random(), rng.random(2), rng.random(), rng.random(2)
    classes = present(mask)
    if classes and (around != BY_SHARE or chance < patch.foreground_share):
        number, position = divmod(position * len(classes), 1)
        chosen = around if around in classes else classes[int(number)]
        return _around(mask == chosen, position, jitter, size)
    corner = (anywhere * (mask.shape - size + 1)).astype(np.int32)
    (top, left), (height, width) = corner, size
    if judged(mask[top : top + height, left : left + width]).any() or not judged(mask).any():
        return corner
    return _around(judged(mask), position, jitter, size)


def _around(chosen: np.ndarray, position: float, jitter: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Corner of a window with a pixel of `chosen`, bool `(H, W)`, in its middle; `position` and `jitter` are 0 to 1."""
    pixels = np.flatnonzero(chosen)
    pixel = np.array(np.unravel_index(pixels[int(position * pixels.size)], chosen.shape))
    corner = np.clip(pixel - (size * (0.25 + 0.5 * jitter)).astype(int), 0, chosen.shape - size)
    return corner.astype(np.int32)


def _augmented(
    drawn: AugmentationDraw, image: np.ndarray, mask: np.ndarray, deep: bool
) -> tuple[np.ndarray, np.ndarray]:
    """At the record's own depth, like the copies that are made offline: 8 bit come multiplied by 257."""
    own = image if deep else (image >> 8).astype(np.uint8)
    changed, classes = drawn.apply(own[..., 0] if own.shape[-1] == 1 else own, mask[..., 0])
    changed = changed if deep else np.multiply(changed, 257, dtype=np.uint16)
    return changed.reshape(image.shape), classes[..., None]
