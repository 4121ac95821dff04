"""Where an encoder's weights come from: drawn, published by somebody, or in a file of one's own; the one door."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from components.errors import UsageError
from components.foreign import foreign
from components.trainer.encoders.registry import ENCODERS

TORCH = ".pth"


class Published(NamedTuple):
    """A file of weights, and what its publisher has said of it."""

    path: Path
    digest: str = ""
    """`ALGORITHM:HEXADECIMAL`; empty where nobody has said what the file is."""
    lineage: Mapping[str, Any] = {}
    remedy: str = ""
    """What to do where the file is not what it is said to be."""


def give_weights(encoder: keras.Model, name: str, weights: str, fetch: bool) -> dict[str, Any]:
    """Gives `encoder`, as it is built, its weights, and says which they are.

    Args:
        encoder: as the module of `name` builds it.
        name: one of `ENCODERS`.
        weights: `none`, which leaves it as it is; `imagenet`; or the path of a file.
        fetch: whether what is published may be fetched over a network.

    Returns:
        For `training.json`: the encoder, the source, and of a file its name, SHA-256, package and licence.

    Raises:
        UsageError: there is no such file, it is not the published one, or holds no weights of this encoder.
    """
    lineage = {"encoder": name, "source": weights}
    if weights == "none":
        return lineage
    family = import_module(ENCODERS[name])
    own = Published(Path(weights), lineage={"licence": "not told: a file of one's own"})
    file = family.published(name, fetch) if weights == "imagenet" else own
    content = _read(file)
    remedy = 'Name a file of this encoder, name its encoder, or set weights = "imagenet"'
    with foreign(UsageError, f'{file.path}: no weights of encoder = "{name}"', remedy=remedy):
        family.load(encoder, name, file.path, content)
        for variable in encoder.weights:
            if not np.isfinite(variable.numpy()).all():
                raise ValueError(f"{variable.path}, {variable.shape}, has values that are not finite numbers")
    return {**lineage, "file": file.path.name, **file.lineage, "sha256": hashlib.sha256(content).hexdigest()}


def load_keras(model: keras.Model, path: Path) -> None:
    """Gives a model weights that Keras has saved of one of the same layers, in `.weights.h5`, `.h5` or `.keras`."""
    model.load_weights(path)


def _read(file: Published) -> bytes:
    """The file, which is the published one where that is known: nothing is parsed before."""
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise UsageError(f"{file.path}: these weights cannot be read: {error.strerror}. {file.remedy}") from error
    algorithm, _, expected = file.digest.partition(":")
    found = hashlib.new(algorithm, content).hexdigest() if algorithm else expected
    if found != expected:
        raise UsageError(
            f"{file.path}: these are not the published weights: found {algorithm.upper()} {found}, expected "
            f"{expected}. {file.remedy}"
        )
    return content
