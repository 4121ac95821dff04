"""Keras models of a champion that are damaged, or no longer what they were: training begins cold, and says why."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from components.files import write_json
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import TrainerSettings
from components.trainer.warm_start import start
from pipeline.config.loader import parse_config

CONFIG = parse_config(
    {
        "data": {"layout": "folders", "height": 16, "width": 16},
        "model": {"parameters": {"levels": 2, "base_filters": 4, "normalisation": "none"}},
        "training": {"epochs": 1, "warm_start": True},
    },
    "tests",
)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_segmenter(1, CONFIG.model, CONFIG.data.task)


@pytest.fixture(scope="module")
def settings() -> TrainerSettings:
    return CONFIG.trainer


@pytest.fixture(scope="module")
def saved(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a model with other weights."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    keras.models.clone_model(network).save(path)
    return path.read_bytes()


def begun(file: bytes, network: keras.Model, settings: TrainerSettings, folder: Path) -> str:
    extra = folder / "assets.extra"
    extra.mkdir()
    (extra / "model.keras").write_bytes(file)
    write_json(folder / "MANIFEST.json", {"version": "17"})
    write_json(extra / "training.json", {"config": {**settings.model_dump(mode="json"), "shape": [16, 16, 1]}})
    return start(network, folder, settings).text


def with_members(content: bytes, **members: bytes | None) -> bytes:
    """The archive with some members replaced, or without those that are None."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            member = members.get(name.partition(".")[0], old.read(name))
            if member is not None:
                new.writestr(name, member)
    return buffer.getvalue()


def config_of(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("config.json"))


def weights_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("model.weights.h5")


def changed(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def apply(content: bytes) -> bytes:
        config = config_of(content)
        change(config)
        return with_members(content, config=json.dumps(config).encode())

    return apply


def flipped(content: bytes, share: float) -> bytes:
    place = int(share * len(content))
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "text": lambda content: b"not an archive",
    **{f"cut at {share}": lambda content, share=share: content[: int(share * len(content))] for share in (0.1, 0.99)},
    "no configuration": lambda content: with_members(content, config=None),
    "no weights": lambda content: with_members(content, model=None),
    **{
        f"configuration {text[:8]!r}": lambda content, text=text: with_members(content, config=text.encode())
        for text in (
            "",
            "{",
            "[]",
            "{}",
            "null",
            "1",
            '"a"',
            "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"),
        )
    },
    "configuration nested": lambda content: with_members(content, config=b'{"a":' * 20000),
    "layers nested": changed(lambda it: it.update(config=json.loads('{"config":' * 400 + "1" + "}" * 400))),
    "no class": changed(lambda it: it.pop("class_name")),
    "a class of another module": changed(lambda it: it.update(module="os", class_name="system", registered_name=None)),
    "no settings": changed(lambda it: it.pop("config")),
    "settings null": changed(lambda it: it.update(config=None)),
    "settings a list": changed(lambda it: it.update(config=[1, 2])),
    "weights empty": lambda content: with_members(content, model=b""),
    "weights text": lambda content: with_members(content, model=b"x" * 5000),
    **{
        f"weights cut at {share}": lambda content, share=share: with_members(
            content, model=weights_of(content)[: int(share * len(weights_of(content)))]
        )
        for share in (0.02, 0.5)
    },
}
HARMLESS_OR_NOT: dict[str, Callable[[bytes], bytes]] = {
    "no metadata": lambda content: with_members(content, metadata=None),
    "another class": changed(lambda it: it.update(class_name="Nothing")),
    **{f"flipped at {share}": lambda content, share=share: flipped(content, share) for share in (0, 0.3, 0.95, 0.999)},
    **{
        f"weights flipped at {share}": lambda content, share=share: with_members(
            content, model=flipped(weights_of(content), share)
        )
        for share in (0.001, 0.01, 0.02, 0.5)
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_a_cold_start_that_says_why(
    damage: str, saved: bytes, network: keras.Model, settings: TrainerSettings, tmp_path: Path
) -> None:
    drawn = network.get_weights()
    text = begun(DAMAGES[damage](saved), network, settings, tmp_path)
    assert text.startswith("cold: the Keras model of version 17 cannot be read: ")
    assert len(text.splitlines()) == 1
    for one, other in zip(network.get_weights(), drawn, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("damage", HARMLESS_OR_NOT)
def test_what_may_go_unseen_ends_no_training(
    damage: str, saved: bytes, network: keras.Model, settings: TrainerSettings, tmp_path: Path
) -> None:
    drawn = network.get_weights()
    text = begun(HARMLESS_OR_NOT[damage](saved), network, settings, tmp_path)
    assert text == "warm from version 17" or text.startswith("cold: the Keras model of version 17 cannot be read: ")
    network.set_weights(drawn)
