"""How a model of tiles looks at an image: at its tiles, at the whole of it in one window, or at both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from components.errors import UsageError
from components.records.settings import Derivation

_GREY = 255


@dataclass(frozen=True)
class View:
    """What is looked at, and what becomes of the answers."""

    tiles: bool
    whole: bool
    joined: Callable[..., np.ndarray] = lambda only: only
    """Of the answer to each look, tiles first, all float32 `(H, W, K)` at the size of the image, one such."""

    def looks(self, derivation: Derivation) -> list[Derivation]:
        """How the image is cut for each look of a model that was trained by `derivation`."""
        whole = derivation.model_copy(update={"tiles": None})
        return [derivation] * self.tiles + [whole] * self.whole


def mean(tiled: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The mean of both."""
    return (tiled + whole) / np.float32(2)


def minimum(tiled: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Of each foreground class the smaller one, background is what is left. Of one class, at whatever threshold, the
    mask is what both masks have: their AND."""
    return _of_foreground(np.minimum, tiled, whole)


def bitwise(tiled: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Of each foreground class the AND of the bits of both grey levels, 255 p rounded; background is what is left.

    For who must reproduce what older systems found. It is no AND of masks: of 128 and 127, which are about 0.5 both, it
    is 0, and of 192 and 160 it is 128.
    """

    def levels(*probabilities: np.ndarray) -> np.ndarray:
        one, other = (np.rint(each * _GREY).astype(np.uint8) for each in probabilities)
        return (one & other) / np.float32(_GREY)

    return _of_foreground(levels, tiled, whole)


VIEWS: Mapping[str, View] = {
    "tiled": View(tiles=True, whole=False),
    "whole": View(tiles=False, whole=True),
    "mean": View(tiles=True, whole=True, joined=mean),
    "minimum": View(tiles=True, whole=True, joined=minimum),
    "bitwise": View(tiles=True, whole=True, joined=bitwise),
}


def chosen_view(name: str | None, derivation: Derivation) -> str:
    """The view that is asked for; None is that which a model was trained with.

    Raises:
        UsageError: there is no such view, or the model has no other than its own.
    """
    if name is None:
        return "tiled" if derivation.tiles else "whole"
    if name not in VIEWS:
        raise UsageError(f"view {name!r}: expected one of {', '.join(VIEWS)}")
    if not derivation.tiles and name != "whole":
        raise UsageError(
            f"view {name}: the model was trained on whole images, and sees them in one way, whole. Leave it out"
        )
    if derivation.tiles and derivation.fit == "crop" and VIEWS[name].whole:
        raise UsageError(
            f'view {name}: by fit = "crop", as the model has it, the whole image is its centre alone. Take tiled'
        )
    return name


def _of_foreground(rule: Callable[..., np.ndarray], *answers: np.ndarray) -> np.ndarray:
    """Probabilities float32 `(H, W, K)`, of each class by a rule that makes none greater."""
    if answers[0].shape[-1] == 1:
        return rule(*answers)
    classes = rule(*(each[..., 1:] for each in answers))
    background = np.maximum(0, 1 - classes.sum(axis=-1, keepdims=True))
    return np.concatenate([background, classes], axis=-1)
