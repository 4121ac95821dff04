"""Mistakes in [data.groups] and [data.splits]: what contradicts what, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import UsageError
from pipeline.config.data import Data
from pipeline.config.loader import parse_config


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
        (
            "splits",
            {"folds": 5, "fold": 5},
            "fold: found 5, expected 0 to 4: folds count from 0",
        ),
        ("splits", {"fold": 1}, "fold: found 1, there are no folds: set folds, or remove fold"),
        ("splits", {"folds": 1}, "folds: found 1, expected greater than or equal to 2"),
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
        ("splits", {"folds": 5, "fold": 4}),
        ("splits", {"folds": 2, "fold": 0, "test_site": "OL"}),
        ("splits", {"test_groups": ["TCGA-OL-*"], "test_site": ""}),
        ("splits", {"train": 1, "eval": 8, "test": 12, "salt": "7"}),
    ],
)
def test_what_is_allowed(section: str, table: dict[str, Any]) -> None:
    assert getattr(parse(section, table), section).model_dump().items() >= table.items()


@pytest.mark.parametrize(
    ("table", "key"), [({"folds": "five", "fold": 1}, "folds"), ({"train": "most"}, "train"), ({"test": 0}, "test")]
)
def test_one_mistake_is_told_once(table: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError, match=rf"^run\.toml: \[data\.splits\] {key}: [^\n]*$"):
        parse("splits", table)


def test_an_unknown_rule_is_told_once() -> None:
    with pytest.raises(UsageError, match=r"^run\.toml: \[data\.groups\] by: [^\n]*$"):
        parse("groups", {"by": "patient", "pattern": "(p)"})
