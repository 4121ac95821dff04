"""`[training]`: how long, at which rate and by which steps."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from components.errors import UsageError
from components.trainer.settings import TrainerSettings, Training
from pipeline.cli.listings import config_toml
from pipeline.config.loader import load_config, parse_config


def training(**keys: Any) -> Training:
    data = {"layout": "mias", "height": 64, "width": 64}
    return parse_config({"data": data, "training": keys}, source="run.toml").training


def test_epochs_are_trained_as_ever() -> None:
    found = training(epochs=3)
    assert (found.schedule, found.early_stopping_patience, found.accumulate, found.ema) == ("plateau", 10, 1, 0.0)


@pytest.mark.parametrize("keys", [{"budget": "20 min"}, {"budget": "500 steps"}, {"epochs": 3, "schedule": "cosine"}])
def test_a_schedule_that_ends_is_not_stopped_early(keys: dict[str, Any]) -> None:
    found = training(**keys)
    assert (found.schedule, found.early_stopping_patience, found.learning_rate) == ("cosine", None, 3e-3)
    assert training(**keys, early_stopping_patience=3).early_stopping_patience == 3


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"epochs": 3, "budget": "9 s"}, '[training]: epochs = 3 and budget = "9 s" exclude each other: remove one'),
        (
            {"budget": "9 s", "schedule": "plateau"},
            'budget = "9 s" and schedule = "plateau" exclude each other: that goes by validation, and does not end '
            'with the budget. Take "cosine" or "polynomial" or "constant"',
        ),
        ({"budget": "9 sec"}, "[training] budget: found '9 sec', expected a time or a number of steps, such as"),
        ({"budget": 9}, "[training] budget: found 9, expected a valid string"),
        ({"epochs": 3, "clip_value": 1.0, "clip_norm": 1.0}, "clip_value and clip_norm exclude each other: remove"),
        ({"epochs": 3, "clip_norm": 0.0}, "[training] clip_norm: found 0.0, expected greater than 0"),
        ({"epochs": 3, "momentum": 0.9}, 'momentum = 0.9 is for optimizer = "sgd" alone: remove it, or choose that'),
        ({"epochs": 3, "weight_decay": 0.1}, 'weight_decay = 0.1 is for optimizer = "adamw" or "sgd" alone'),
        ({"epochs": 3, "warm_up": 0.1}, 'warm_up = 0.1 is for schedule = "cosine" or "polynomial" or "constant" alone'),
        ({"budget": "9 s", "reduce_lr_patience": 2}, 'reduce_lr_patience = 2 is for schedule = "plateau" alone'),
        ({"epochs": 3, "warm_up": 0.6}, "[training] warm_up: found 0.6, expected less than or equal to 0.5"),
        ({"epochs": 3, "ema": 1.0}, "[training] ema: found 1.0, expected less than 1"),
        ({"epochs": 3, "accumulate": 0}, "[training] accumulate: found 0, expected greater than or equal to 1"),
        ({"epochs": 3, "schedule": ["cosine"]}, "[training] schedule: found ['cosine'], expected"),
        ({"epochs": 3, "keep": "first"}, "[training] keep: found 'first', expected 'best' or 'last'"),
    ],
)
def test_what_makes_no_sense_is_named(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        training(**keys)
    assert message in str(caught.value)
    assert str(caught.value).startswith("run.toml: [training]")


def test_an_override_of_one_takes_the_place_of_the_other() -> None:
    """A recipe has epochs, and on the command line nothing unsets a key."""
    found = load_config("demo", ["training.budget=2 min"]).training
    assert (found.epochs, str(found.budget), found.schedule) == (None, "2 min", "cosine")
    with pytest.raises(UsageError, match="exclude each other"):
        load_config("demo", ["training.budget=2 min", "training.epochs=3"])


@pytest.mark.parametrize("overrides", [[], ["training.budget=2 min", "training.ema=0.99", "training.optimizer=sgd"]])
def test_what_is_shown_and_what_a_node_is_given_are_the_same_config(overrides: list[str]) -> None:
    config = load_config("demo", overrides)
    assert parse_config(tomllib.loads(config_toml(config)), "shown") == config
    assert TrainerSettings.model_validate(json.loads(config.trainer.model_dump_json())) == config.trainer
