"""Mistakes in [data.groups] and [data.splits]: what contradicts what, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import UsageError
from components.inference.operating_point import OperatingPoint
from pipeline.config.data import Data
from pipeline.config.loader import parse_config
from pipeline.config.root import Config


def parse(section: str, table: dict[str, Any]) -> Data:
    data = {"layout": "folders", "height": 64, "width": 64, section: table}
    return parse_config({"data": data, "training": {"epochs": 1}}, source="run.toml").data


@pytest.mark.parametrize(
    ("section", "table", "message"),
    [
        (
            "groups",
            {"by": "pattern"},
            'pattern: found None, by = "pattern" needs a regular expression: set both or neither',
        ),
        ("groups", {"pattern": "(p)"}, "pattern: found '(p)', a pattern needs by = \"pattern\": set both or neither"),
        ("groups", {"by": "pairs", "pattern": "(p)"}, 'a pattern needs by = "pattern"'),
        ("groups", {"by": "pattern", "pattern": "("}, "pattern: found '(', not a regular expression: missing ), "),
        ("groups", {"by": "pattern", "pattern": "(a{99999999999999})"}, "not a regular expression: "),
        ("groups", {"by": "pattern", "pattern": "p1"}, "pattern: found 'p1', it has 0 captures, expected one; (?:...)"),
        ("groups", {"by": "pattern", "pattern": "(p)(1)"}, "it has 2 captures, expected one; (?:...) groups without"),
        ("splits", {"folds": 5}, "folds: one run trains all folds now: remove it, and set k in the section [folds]"),
        ("splits", {"fold": 1}, "fold: one run trains all folds now: remove it, and set k in the section [folds]"),
        (
            "splits",
            {"test_groups": ["a"], "test_site": "b"},
            "test_site: found 'b', test_groups names the test split already: remove one of the two",
        ),
    ],
)
def test_a_contradiction_is_named(section: str, table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(section, table)
    assert str(caught.value).startswith(f"run.toml: [data.{section}] ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "table"),
    [
        ("groups", {"by": "pattern", "pattern": r"^(p\d+)_(?:l|r)"}),
        ("groups", {"by": "tile"}),
        ("splits", {"test_groups": ["TCGA-OL-*"], "test_site": ""}),
        ("splits", {"train": 1, "eval": 8, "test": 12, "salt": "7"}),
    ],
)
def test_what_is_allowed(section: str, table: dict[str, Any]) -> None:
    assert getattr(parse(section, table), section).model_dump().items() >= table.items()


@pytest.mark.parametrize(("table", "key"), [({"train": "most"}, "train"), ({"test": 0}, "test")])
def test_one_mistake_is_told_once(table: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError, match=rf"^run\.toml: \[data\.splits\] {key}: [^\n]*$"):
        parse("splits", table)


def test_an_unknown_rule_is_told_once() -> None:
    with pytest.raises(UsageError, match=r"^run\.toml: \[data\.groups\] by: [^\n]*$"):
        parse("groups", {"by": "patient", "pattern": "(p)"})


def test_what_a_config_of_before_says_without_folds_is_no_mistake() -> None:
    assert parse("splits", {"folds": None, "fold": 0}).splits == parse("splits", {}).splits


def config_of(**sections: dict[str, Any]) -> Config:
    data = {"layout": "folders", "height": 64, "width": 64, **sections.pop("data", {})}
    return parse_config({"data": data, "training": {"epochs": 1}, **sections}, source="run.toml")


def test_the_splits_of_a_run_follow_from_the_config() -> None:
    assert config_of().records.run_splits == ("train", "eval", "test")
    assert config_of(folds={"k": 3}).records.run_splits == ("fold-1", "fold-2", "fold-3", "test")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"folds": {"k": 1}}, "[folds] k: found 1, expected greater than or equal to 2"),
        ({"folds": {"k": 11}}, "[folds] k: found 11, expected less than or equal to 10"),
        ({"folds": {"fold": 1}}, "[folds] k: missing, and it has no default"),
        (
            {"folds": {"k": 5}, "training": {"epochs": 1, "warm_start": True}},
            "[folds] and [training] warm_start exclude each other: the served model has learnt",
        ),
        (
            {"folds": {"k": 5}, "data": {"tiles": {"reduced_copy": True}}},
            "[folds] and [data.tiles] reduced_copy exclude each other: the copies are for training alone",
        ),
    ],
)
def test_folds_that_cannot_be(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        config_of(**sections)
    assert f"run.toml: {message}" in str(caught.value)


def test_every_fold_has_a_seed_of_its_own_and_its_measures_no_limits() -> None:
    config = config_of(
        folds={"k": 3},
        training={"epochs": 1, "seed": 7},
        evaluation={"min_dice": 0.5},
        inference={"threshold": 0.4},
    )
    assert [config.trainer_of_fold(number).training.seed for number in (1, 2, 3)] == [8, 9, 10]
    settings = config.evaluator_on("fold-2")
    assert (settings.split, settings.decides, settings.every_limit) == ("fold-2", False, [])
    assert settings.point == OperatingPoint(threshold=0.4)
    other = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"min_dice": 0.9})})
    assert other.evaluator_on("fold-2") == settings
