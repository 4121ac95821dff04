"""Strengths of augmentation: what they become, what overrides them, and that small lesions outlive them."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest
from discs import disc_mask

from components.errors import UsageError
from components.imaging.augmentation.augment import draw
from components.imaging.augmentation.operations import Displacement, Operation
from components.imaging.augmentation.settings import Augmentation
from pipeline.cli.listings import config_toml
from pipeline.config.loader import load_config, parse_config

STRENGTHS = ["light", "standard", "strong"]
DATA = {"layout": "folders", "height": 64, "width": 64}


def parse(**section: Any) -> Augmentation:
    document = {"data": DATA, "augmentation": section, "training": {"epochs": 1}}
    return parse_config(document, source="run.toml").augmentation


def happening(settings: Augmentation) -> dict[str, float]:
    """The probability of each operation that has one."""
    flips = {name: getattr(settings, name) for name in ("horizontal_flip", "vertical_flip", "right_angle")}
    operations = {name: value.probability for name, value in settings if isinstance(value, Operation)}
    return {name: probability for name, probability in (flips | operations).items() if probability}


def test_each_strength_becomes_these_probabilities() -> None:
    """Of `standard` they are nnU-Net's: of blur 0.2 and of low resolution 0.25, each by half a chance per channel."""
    assert happening(parse(strength="light")) == {"horizontal_flip": 0.5, "rotation": 0.5, "zoom": 0.5}
    standard = {
        **{"horizontal_flip": 0.5, "vertical_flip": 0.5, "rotation": 0.2, "zoom": 0.2, "gamma": 0.4},
        **{"contrast": 0.15, "brightness": 0.15, "blur": 0.1, "low_resolution": 0.125, "noise": 0.1},
    }
    assert happening(parse(strength="standard")) == standard
    strong = happening(parse(strength="strong"))
    assert strong.keys() - standard.keys() == {"right_angle", "elastic", "clahe", "sharpening", "cutout"}
    assert all(strong[name] >= standard[name] for name in standard)
    assert happening(parse()) == {}


def test_ranges_of_standard() -> None:
    settings = parse(strength="standard")
    assert settings.zoom.factor == [0.7, 1.4]
    assert (settings.gamma.exponent, settings.gamma.inverted) == ([0.7, 1.5], 0.25)
    assert settings.low_resolution.scale == [0.5, 1.0]
    assert settings.border == "constant"


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_config_that_is_shown_is_what_it_became(strength: str) -> None:
    shown = config_toml(load_config("folders", [f"augmentation.strength={strength}", "augmentation.copies=0"]))
    table = tomllib.loads(shown)["augmentation"]
    # What stands in the recipe is its own.
    assert table["rotation"] == {"probability": 1.0, "degrees": [-15.0, 15.0]}
    assert table["zoom"] == parse(strength=strength).zoom.model_dump()
    assert (table["strength"], table["online"]) == (strength, True)
    again = parse_config(tomllib.loads(shown), "shown")
    assert config_toml(again) == shown


def test_what_is_stated_is_kept_and_the_rest_of_its_table_completed() -> None:
    settings = parse(strength="strong", vertical_flip=0.0, rotation={"degrees": [-5.0, 5.0]}, zoom={"probability": 0.0})
    assert (settings.vertical_flip, settings.horizontal_flip) == (0.0, 0.5)
    assert settings.rotation.model_dump() == {"probability": 0.4, "degrees": [-5.0, 5.0]}
    assert "zoom" not in happening(settings)
    older = parse(strength="strong", elastic={"probability": 1.0, "alpha": 1300, "sigma": 8}).elastic
    assert type(older) is Displacement
    assert older.grid > 30


def test_it_augments_anew_in_every_epoch_unless_there_are_copies() -> None:
    assert parse(strength="light").online
    copies = parse(strength="light", copies=2)
    assert (copies.copies, copies.online) == (2, False)
    on_device = parse(strength="standard", on_device=True)
    assert (on_device.online, on_device.on_device) == (True, True)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"strength": "hard"}, "[augmentation] strength: found 'hard', expected 'light', 'standard' or 'strong'"),
        ({"strength": ["light"]}, "[augmentation] strength: found ['light'], expected 'light', 'standard' or 'strong'"),
        (
            {"strength": "light", "online": False},
            "strength = 'light' and online = false: nothing would be augmented. Remove online, or set copies",
        ),
        ({"strength": "strong", "rotation": {"angle": 5}}, "[augmentation.rotation] angle: unknown key. Allowed:"),
        (
            {"on_device": True, "gamma": {"probability": 0.5, "inverted": 0.5}},
            "on_device leaves out gamma.inverted, whose probability is not 0: set online = true",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(section: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(**section)
    assert message in str(caught.value)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_tiny_lesion_outlives_each_strength(strength: str) -> None:
    """Of radius 2 in bright tissue, at the first draw: its mask keeps a pixel, and its image stands out; cut-outs hide
    one of a hundred at the most."""
    settings, hidden = parse(strength=strength), 0
    distance = np.hypot(*(np.indices((96, 96)) - 47.5))
    for seed in range(300):
        rng = np.random.default_rng(seed)
        drawn = draw(rng, settings, (96, 96))
        # Near the centre, which no rotation moves out.
        mask = disc_mask(96, 96, *rng.uniform(42, 54, 2), 2)
        tissue = np.random.default_rng(seed).normal(130, 15, (96, 96)).clip(0, 255)
        image, classes = drawn.apply((tissue + 60 * mask).clip(0, 255).astype(np.uint8), mask)
        assert classes.any(), drawn
        surround = np.median(image[(distance < 30) & (classes == 0)])
        hidden += image[classes > 0].mean() - surround < 5
    assert hidden <= (3 if settings.cutout.probability else 0)
