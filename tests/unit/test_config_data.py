"""The section `[data]`: what contradicts itself is refused, with the keys and what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.layouts.registry import LAYOUTS
from pipeline.config.data import Data
from pipeline.config.loader import load_config, parse_config

BY_CLASS = r"(?P<name>.+)_(?P<class>\w+)"
FOLDERS: dict[str, Any] = {"layout": "folders", "height": 64, "width": 32}


def parse(**settings: Any) -> Data:
    return parse_config({"data": {**FOLDERS, **settings}, "training": {"epochs": 1}}, source="run.toml").data


def refusal(**settings: Any) -> str:
    with pytest.raises(UsageError) as caught:
        parse(**settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("run.toml: ")


@pytest.mark.parametrize(
    ("layout", "key", "value", "readers"),
    [
        ("mias", "images", "films", "folders, presplit, annotations, bcss, via"),
        ("manifest", "masks", "truth", "folders, presplit"),
        ("manifest", "mask_pattern", "(?P<name>.+)_m", "folders, presplit"),
        ("mias", "mask", {"threshold": 1}, "manifest, folders, presplit, paths"),
        ("folders", "table", "truth.csv", "mias, manifest, annotations, bcss, via"),
        ("folders", "edition", "full", "mias"),
        ("presplit", "labels", ["benign"], "mias, annotations, via"),
        ("sipakmed", "table", "x.csv", "mias, manifest, annotations, bcss, via"),
    ],
)
def test_a_key_that_the_layout_does_not_read(layout: str, key: str, value: Any, readers: str) -> None:
    assert refusal(layout=layout, **{key: value}) == (
        f"[data]: layout {layout!r} does not read {key}: remove it, or set a layout that does ({readers})"
    )


def test_keys_with_their_defaults_are_no_mistake() -> None:
    """`maskline config show` prints them all, and its output is a config."""
    keys = set().union(*(layout.keys for layout in LAYOUTS.values()))
    defaults = {key: Data.model_fields[key].default for key in keys}
    for layout in LAYOUTS:
        assert parse(layout=layout, **{**defaults, "mask": {"form": "binary"}}).layout == layout


@pytest.mark.parametrize("key", ["images", "masks"])
@pytest.mark.parametrize("name", ["", "/data", "../data", "a/../b", "a*", "a?", "a[b]", "{a}", "a\\b", "a\0"])
def test_a_folder_name_that_leads_elsewhere(key: str, name: str) -> None:
    assert "expected a name within the input folder" in refusal(**{key: name})


@pytest.mark.parametrize("name", ["../truth.csv", "/truth.csv", "*.csv"])
def test_a_table_that_stands_elsewhere(name: str) -> None:
    assert "[data] table: found" in refusal(layout="manifest", table=name)


def test_folder_names_are_made_plain() -> None:
    data = parse(images="./x//films/", masks="y")
    assert (data.images, data.masks) == ("x/films", "y")


@pytest.mark.parametrize(("images", "masks"), [("a", "a"), (".", "b"), ("a", "a/b"), ("a/b", "a"), ("a/", "./a")])
def test_one_folder_for_images_and_masks(images: str, masks: str) -> None:
    assert "expected two folders, none of them within the other" in refusal(images=images, masks=masks)


def test_folders_whose_names_begin_alike() -> None:
    assert parse(images="data", masks="data2").masks == "data2"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not a regular expression"),
        (".+_mask", "expected a capture (?P<name>...)"),
        ("(.+)_mask", "expected a capture (?P<name>...)"),
        ("(?P<class>.+)_mask", "expected a capture (?P<name>...)"),
        ("(?P<name>.+)_(?P<label>.+)", "and no others with a name"),
    ],
)
def test_mask_patterns_that_name_no_image(pattern: str, message: str) -> None:
    found = refusal(mask_pattern=pattern, classes=["a"])
    assert found.startswith(f"[data] mask_pattern: found {pattern!r}, ")
    assert message in found


def test_mask_patterns_in_use() -> None:
    assert parse(mask_pattern=r"(?P<name>.+)_mask(_\d+)?").mask_pattern == r"(?P<name>.+)_mask(_\d+)?"
    assert parse(mask_pattern=BY_CLASS, classes=["mass", "calc"]).classes == ["mass", "calc"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mask_pattern": BY_CLASS}, "mask_pattern captures a class, but there are no classes"),
        (
            {"mask_pattern": BY_CLASS, "classes": ["a"], "mask": {"form": "indices"}},
            "expected mask.form 'binary' or 'instances', not 'indices'",
        ),
        ({"classes": ["a", "b"]}, "masks of mask.form 'binary' do not tell 2 classes apart"),
        ({"classes": ["a", "b"], "layout": "manifest"}, "masks of mask.form 'binary' do not tell 2 classes apart"),
        ({"classes": ["a", "a"]}, "expected names, each of them once"),
        ({"classes": ["a", ""]}, "expected names, each of them once"),
        ({"classes": ["background"]}, "without `background`, which is class 0"),
        ({"classes": [str(number) for number in range(256)]}, "at most 254 items"),
        ({"mask": {"form": "indices", "threshold": 128}}, "mask.threshold is read where mask.form is 'binary', not"),
        ({"mask": {"form": "one_hot", "threshold": "otsu"}}, "mask.threshold is read where mask.form is 'binary', not"),
        ({"mask": {"colours": {"#ff0000": "foreground"}}}, "mask.colours is read where mask.form is 'colours', not"),
        ({"mask": {"max_colour_distance": 9.0}}, "mask.max_colour_distance is read where mask.form is 'colours', not"),
        ({"mask": {"form": "colours"}}, "mask.form 'colours' needs mask.colours"),
        ({"mask": {"form": "colours", "colours": {"#000000": "background"}}}, "needs mask.colours, with one colour"),
        ({"mask": {"form": "colours", "colours": {"red": "foreground"}}}, "found 'red', expected a colour like"),
        ({"mask": {"form": "colours", "colours": {"#ff00001": "foreground"}}}, "found '#ff00001', expected a colour"),
        ({"mask": {"form": "colours", "colours": {"#ff0000": "mass"}}}, "'mass', expected one of background, foreg"),
        (
            {"classes": ["mass"], "mask": {"form": "colours", "colours": {"#ff0000": "foreground"}}},
            "'foreground', expected one of background, ignore, mass",
        ),
        (
            {"mask": {"form": "colours", "colours": {"#ff00aa": "foreground", "#FF00AA": "background"}}},
            "mask.colours has one colour twice",
        ),
        ({"mask": {"levels": {"128": "foreground"}}}, "mask.levels is read where mask.form is 'levels', not 'binary'"),
        ({"mask": {"form": "levels"}}, "mask.form 'levels' needs mask.levels, with one level that is not background"),
        ({"mask": {"form": "levels", "levels": {"0": "background", "9": "ignore"}}}, "needs mask.levels, with one lev"),
        ({"mask": {"form": "levels", "levels": {"-1": "foreground"}}}, "found '-1', expected a grey value from 0 to"),
        ({"mask": {"form": "levels", "levels": {"65536": "foreground"}}}, "found '65536', expected a grey value from"),
        ({"mask": {"form": "levels", "levels": {"1": "mass"}}}, "'mass', expected one of background, foreground, ign"),
        ({"mask": {"form": "levels", "levels": {"1": "foreground", "01": "background"}}}, "has one level twice"),
        (
            {"mask": {"form": "levels", "levels": {"1": "foreground"}, "ignore": 255}},
            'does not have: remove it, or name its level in mask.levels: 255 = "ignore"',
        ),
        ({"classes": ["a", "b"], "mask": {"form": "instances"}}, "mask.form 'instances' do not tell 2 classes apart"),
        ({"mask": {"form": "instances", "max_stray": 0.0}}, "mask.max_stray is read where mask.form is 'binary' or 'c"),
        ({"mask": {"threshold": 128, "max_stray": 0.0}}, "mask.max_stray is not read where mask.threshold is set"),
        ({"tiles": {"overlap": 17}}, "overlap = 17, expected at most half a tile, which has height 64 and width 32"),
        ({"site_pattern": "("}, "[data] site_pattern: found '(', not a regular expression"),
        ({"site_pattern": "a"}, "it has 0 captures, expected one"),
        ({"site_pattern": "(a)(b)"}, "it has 2 captures, expected one"),
        ({"spans": -1}, "[data] spans: found -1, expected greater than or equal to 0"),
        ({"spans": 2, "splits": {"test_site": "OL"}}, "splits.test_site does not go with spans: a patient seen elsew"),
    ],
)
def test_what_contradicts_itself(settings: dict[str, Any], message: str) -> None:
    found = refusal(**settings)
    assert message in found
    assert found.startswith("[data]")


@pytest.mark.parametrize(
    "settings",
    [
        {"mask": {"threshold": 128}},
        {"mask": {"threshold": "triangle"}},
        {"mask": {"form": "levels", "levels": {"64": "background", "128": "foreground"}, "max_stray": 0.0}},
        {"mask": {"form": "instances", "ignore": 255}},
        {"classes": ["a"], "mask_pattern": BY_CLASS, "mask": {"form": "instances"}},
        {"classes": ["mass"]},
        {"classes": ["a", "b"], "mask": {"form": "indices"}},
        {"classes": ["a", "b"], "mask": {"form": "one_hot"}},
        {"classes": ["a", "b"], "layout": "bcss"},
        {"mask": {"form": "colours", "colours": {"#Ff0000": "foreground"}, "max_colour_distance": 9.0}},
        {"tiles": {"overlap": 16}},
        {"layout": "mias", "edition": "full", "labels": ["benign"], "table": "Info.txt"},
        {"layout": "via", "images": ".", "table": "shapes.csv"},
        {"spans": 0},
        {"spans": 2, "splits": {"test_groups": ["p1"]}},
    ],
)
def test_what_is_allowed(settings: dict[str, Any]) -> None:
    assert parse(**settings).model_dump().items() >= {"layout": settings.get("layout", "folders")}.items()


@pytest.mark.parametrize("name", ["ignore", "background"])
def test_what_is_called_ignore_carries_no_truth(name: str) -> None:
    levels = {"form": "levels", "levels": {"0": "background", "1": "foreground", "255": name}}
    colours = {"form": "colours", "colours": {"#ff0000": "foreground", "#0000ff": name}}
    for mask in (levels, colours):
        assert parse(mask=mask).task.ignores == (name == "ignore")


def test_levels_are_numbers_in_toml() -> None:
    data = load_config("folders", ['data.mask={form = "levels", levels = {64 = "background", 128 = "foreground"}}'])
    assert data.data.mask.levels == {"64": "background", "128": "foreground"}


def test_the_recipe_of_inbreast_keeps_its_rules() -> None:
    data = load_config("inbreast").data
    assert (data.mask.threshold, data.groups.by, data.groups.pattern) == (128, "pattern", r"(\d+)$")


def test_a_config_of_before_that_was_shown_whole() -> None:
    """It has every key with its default, those among them that are no more."""
    shown = parse(adjust={"colour_space": "rgb", "gamma": 0.5}, splits={"stratify": False, "train": 60})
    assert shown == parse(adjust={"gamma": 0.5}, splits={"train": 60})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"adjust": {"colour_space": "lab"}},
            "[data.adjust] colour_space: there are no colour spaces any more: remove",
        ),
        ({"splits": {"stratify": True}}, "[data.splits] stratify: splits are always even in labels and foreground now"),
    ],
)
def test_a_key_of_before_is_told_from_an_unknown_one(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse(**settings)
