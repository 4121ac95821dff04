"""Every kind of mistake in a config: the message names where it is, what was found and what is allowed."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.layouts.registry import LAYOUTS
from components.imaging.geometry.placement import FITS
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.models.unet.parameters import UNet
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.schedules import SCHEDULES
from pipeline.cli.listings import config_toml
from pipeline.config.loader import load_config, parse_config
from pipeline.config.root import Config

LEAST: dict[str, Any] = {"data": {"layout": "mias", "height": 64, "width": 64}, "training": {"epochs": 1}}
CHOICES = {
    "data.layout": LAYOUTS,
    "data.fit": FITS,
    "model.architecture": [*ARCHITECTURES, "auto"],
    "training.loss": LOSSES,
    "training.optimizer": OPTIMIZERS,
    "training.schedule": SCHEDULES,
}
"""Keys that take one of the names of a registry."""


def parse(key: str, value: Any) -> Config:
    *sections, name = key.split(".")
    document = {section: dict(values) for section, values in LEAST.items()}
    table: Any = document
    for section in sections:
        table = table.setdefault(section, {})
    table[name] = value
    return parse_config(document, source="run.toml")


def test_least_config() -> None:
    config = parse_config(LEAST, source="run.toml")
    assert (config.data.splits.train, config.data.splits.eval, config.data.splits.test) == (70, 15, 15)
    assert config.data.mask.threshold is None
    assert config.validation.min_groups == 3
    assert config.evaluation.empty_masks == "skip"
    # Those of the architecture, so that `config show` and the cache see all of them.
    assert config.model.parameters == UNet().model_dump()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.hight", 64, "[data] hight: unknown key. Allowed: adjust, channels, classes, "),
        ("data.splits.trian", 1, "[data.splits] trian: unknown key. Allowed: eval, salt, "),
        (
            "data.phantoms",
            {"women": 1, "size": 64, "seed": 1, "x": 1},
            "[data.phantoms] x: unknown key. Allowed: form, seed, size, women",
        ),
        ("model.parameters.alpah", 1, "[model.parameters] alpah: unknown key. `maskline models` lists"),
        (
            "model",
            {"architecture": "encoder_unet", "parameters": {"encoder": "lite0"}},
            "[model.parameters] encoder: found 'lite0', expected 'efficientnet_lite0', 'efficientnet_lite1', ",
        ),
        (
            "model",
            {"architecture": "encoder_unet", "parameters": {"weights": "imagnet"}},
            '[model.parameters] weights: found \'imagnet\', expected "imagenet", "none" or the path of a file that',
        ),
        (
            "model",
            {"architecture": "encoder_unet", "parameters": {"weights": "none", "fetch": True}},
            'fetch = true with weights = "none": only "imagenet" can be fetched',
        ),
        ("modle.architecture", "unet", "[modle]: unknown key. Allowed: augmentation, data, evaluation, "),
        ("data.height", "64", "[data] height: found '64', expected a valid integer"),
        ("data.height", 64.0, "[data] height: found 64.0, expected a valid integer"),
        ("data.height", True, "[data] height: found True, expected a valid integer"),
        ("data.splits.salt", 137, "[data.splits] salt: found 137, expected a valid string"),
        ("data.splits", 3, "[data] splits: found 3, expected a table"),
        ("execution.cache", "yes", "[execution] cache: found 'yes', expected a valid boolean"),
        ("data.height", 8, "[data] height: found 8, expected greater than or equal to 16"),
        ("training.cold_every", 3, "[training] cold_every: found 3, no run starts warm: set warm_start = true, or"),
        ("training.cold_every", -1, "[training] cold_every: found -1, expected greater than or equal to 0"),
        ("training", {"epochs": 1, "warm_start": True, "cold_every": 1}, "with 1 no run would start warm"),
        ("data.splits.eval", 0, "[data.splits] eval: found 0, expected greater than or equal to 1"),
        ("data.mask.max_colour_distance", -1.0, "[data.mask] max_colour_distance: found -1.0, expected greater than"),
        ("data.channels", 2, "[data] channels: found 2, expected 1 or 3"),
        (
            "augmentation.vertical_flip",
            1.5,
            "[augmentation] vertical_flip: found 1.5, expected less than or equal to 1",
        ),
        ("inference.threshold", 1.0, "[inference] threshold: found 1.0, expected less than 1, or 'auto'"),
        ("evaluation.threshold", 0.4, "[evaluation] threshold: it is [inference] threshold now: move it there"),
        ("evaluation.min_dice", float("nan"), "[evaluation] min_dice: found nan, expected a finite number"),
        ("evaluation.max_loss", float("inf"), "[evaluation] max_loss: found inf, expected a finite number"),
        (
            "evaluation.limits",
            [{"measure": "dice"}],
            "[evaluation.limits] 0: found {'measure': 'dice'}, no bound is set",
        ),
        (
            "evaluation.limits",
            [{"measure": "dice", "at_least": 0.5, "clas": "a"}],
            "[evaluation.limits.0] clas: unknown key. Allowed: at_least, at_most, bound, change, class, least_n, ",
        ),
        (
            "evaluation.limits",
            [{"measure": "dice", "at_least": 0.5, "slice": "size<20"}],
            "[evaluation.limits.0] slice: found 'size<20', expected label=NAME, site=NAME, folder=NAME, span=NAME, ",
        ),
        (
            "evaluation.limits",
            [{"measure": "dice", "at_least": 0.5, "slice": "span=2"}],
            "[evaluation.limits] 0: slice = 'span=2': there are no spans. Set [data] spans",
        ),
        (
            "evaluation.limits",
            [{"measure": "dice", "at_least": 0.5, "slice": "site=A"}],
            "[evaluation.limits] 0: slice = 'site=A': layout 'mias' knows no sites. Set [data] site_pattern, or",
        ),
        (
            "evaluation.limits",
            [{"measure": "dice", "within_raters": True}],
            "within_raters needs the masks of several raters for one image, and records have one mask each",
        ),
        (
            "evaluation.limits",
            [{"measure": "dice", "at_least": 0.5, "class": "lesion"}],
            "[evaluation.limits] 0: class = 'lesion', expected one of foreground, or none for their mean",
        ),
        (
            "model.parameters.normalisation",
            "layer",
            "normalisation: found 'layer', expected 'none', 'batch', 'group' or 'instance'",
        ),
        ("model.parameters.levels", 99, "[model.parameters] levels: found 99, expected less than or equal to 8"),
        ("model.parameters.dropout", 0.25, "dropout 0.25 x 4 = 1 at the bridge: must be below 1"),
        ("data.height", 100, "[data] height = 100 does not fit [model] unet: it must be a multiple of 16"),
        ("data.width", 36, "[data] width = 36 does not fit [model] unet: it must be a multiple of 16"),
    ],
)
def test_a_mistake_is_named(key: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(key, value)
    assert message in str(caught.value)
    assert str(caught.value).startswith("run.toml: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("old", "name"), [(True, "batch"), (False, "none")])
def test_batch_norm_is_an_old_name_of_normalisation(old: bool, name: str) -> None:
    config = parse("model.parameters", {"levels": 4, "batch_norm": old})
    assert config.model.parameters == UNet(levels=4, normalisation=name).model_dump()


@pytest.mark.parametrize("given", [{"batch_norm": 1}, {"batch_norm": True, "normalisation": "group"}])
def test_an_old_name_beside_the_new_one_or_with_another_value_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"\[model.parameters\] batch_norm: unknown key. `maskline models` lists"):
        parse("model.parameters", given)


@pytest.mark.parametrize(("key", "name"), [(key, name) for key, names in CHOICES.items() for name in names])
def test_whatever_a_registry_lists_may_be_chosen(key: str, name: str) -> None:
    section, choice = key.split(".")
    assert getattr(getattr(parse(key, name), section), choice) == name


@pytest.mark.parametrize("key", CHOICES)
def test_what_no_registry_lists_is_refused_with_all_that_it_does(key: str) -> None:
    *others, last = map(repr, CHOICES[key])
    known = f"{', '.join(others)} or {last}" if others else last
    section, choice = key.split(".")
    with pytest.raises(UsageError) as caught:
        parse(key, "dicom")
    assert str(caught.value) == f"run.toml: [{section}] {choice}: found 'dicom', expected {known}"


@pytest.mark.parametrize(
    ("section", "key", "message"),
    [
        ("data", "height", "run.toml: [data] height: missing, and it has no default"),
        (
            "training",
            "epochs",
            'run.toml: [training]: neither epochs nor budget: set one, such as epochs = 40 or budget = "20 min"',
        ),
    ],
)
def test_a_missing_key_is_named(section: str, key: str, message: str) -> None:
    document = {**LEAST, section: {name: value for name, value in LEAST[section].items() if name != key}}
    with pytest.raises(UsageError) as caught:
        parse_config(document, source="run.toml")
    assert str(caught.value) == message


def test_a_missing_section_is_named() -> None:
    with pytest.raises(UsageError, match=r"run\.toml: \[data\]: missing"):
        parse_config({"training": {"epochs": 1}}, source="run.toml")


def test_all_mistakes_are_told_at_once() -> None:
    document = {"data": {**LEAST["data"], "height": "x", "y": 1}, "training": {"epochs": 0}}
    with pytest.raises(UsageError) as caught:
        parse_config(document, source="run.toml")
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["[data] height", "[data] y", "[training] epochs"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("evaluation.min_dice", 1), ("data.spans", 0), ("data.site_pattern", r"^(p\d+)_(?:l|r)")],
)
def test_what_is_allowed(key: str, value: Any) -> None:
    section, name = key.split(".")
    assert getattr(getattr(parse(key, value), section), name) == value


def test_values_cannot_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse("data.height", 128).data.height = 256


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.patch={height=128,width=64}"], "[training.patch] height = 128 is more than [data] height = 64"),
        (["training.patch={height=32,width=20}"], "[training.patch] width = 20 does not fit [model] unet: it must be"),
        (
            [
                *("training.patch={height=32,width=32}", "augmentation.copies=0"),
                *("augmentation.on_device=true", "augmentation.online=true"),
            ],
            "[training.patch] and [augmentation] on_device exclude each other",
        ),
        (["training.patch={height=32}"], "[training.patch] width: missing"),
        (
            ["training.patch={height=32,width=32,per_record=0}"],
            "[training.patch] per_record: found 0, expected greater than or equal to 1",
        ),
        (
            ["training.patch={height=32,width=32,foreground_share=0.8}", "training.oversample_foreground=0.33"],
            "[training]: patch.foreground_share = 0.8 is read where oversample_foreground is 0, not 0.33: remove one",
        ),
    ],
)
def test_patches_that_do_not_fit(overrides: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        load_config("demo", ["data.height=64", "data.width=64", *overrides])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["oversample_foreground=33.0"],
            "[training] oversample_foreground: found 33.0, expected less than or equal to 1",
        ),
        (
            ["oversample_foreground=0.33", "batch_size=1"],
            "[training]: oversample_foreground = 0.33 of batch_size = 1 rounds to no sample: raise one",
        ),
        (["balance=class"], "[training] balance: found 'class', expected 'none', 'classes' or 'labels'"),
    ],
)
def test_samples_that_cannot_be_drawn(overrides: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        load_config("demo", [f"training.{override}" for override in overrides])


def test_what_is_drawn_of_the_records() -> None:
    config = load_config("demo", ["training.patch={height=32,width=64}"])
    assert config.training.sampling(config.data.task) is None
    assert config.training.windows == config.training.patch
    config = load_config("demo", ["training.oversample_foreground=0.33", "training.patch={height=32,width=64}"])
    sampling, windows = config.training.sampling(config.data.task), config.training.windows
    assert (sampling and sampling.oversample_foreground, windows and windows.foreground_share) == (0.33, 0.0)
    assert parse_config(tomllib.loads(config_toml(config)), "shown.toml") == config


def test_patches_that_fit() -> None:
    fits = ["data.height=64", "data.width=64", "training.patch={height=32,width=64,foreground_share=1.0}"]
    assert load_config("demo", fits).training.patch is not None
    assert load_config("demo").training.patch is None


CLASSES: dict[str, Any] = {"layout": "bcss", "height": 64, "width": 64, "classes": ["tumor", "stroma"]}


def test_a_limit_may_be_on_a_class() -> None:
    limit = {"measure": "dice", "class": "stroma", "at_least": 0.5}
    document = {**LEAST, "data": CLASSES, "evaluation": {"limits": [limit]}}
    config = parse_config(document, source="run.toml")
    assert config.evaluator.task.classes == ["tumor", "stroma"]
    assert [limit.class_ for limit in config.evaluation.limits] == ["stroma"]
    # As `config show` prints it, and as a manifest keeps it.
    assert config.model_dump(mode="json")["evaluation"]["limits"][0]["class"] == "stroma"
    assert parse_config(tomllib.loads(config_toml(config)), "shown.toml") == config


def test_a_limit_is_on_the_loss_that_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse("evaluation.limits", [{"measure": "ce_dice", "at_most": 0.5}])
    other = config.training.model_copy(update={"loss": "other"})
    with pytest.raises(
        ValueError, match=r"0: measure = 'ce_dice', but \[training\] loss = 'other' is trained: name that"
    ):
        Config.model_validate({**dict(config), "training": other})


def test_of_several_classes_the_most_probable_is_predicted() -> None:
    document = {**LEAST, "data": CLASSES, "inference": {"threshold": 0.4}}
    with pytest.raises(UsageError, match=r"\[inference\] threshold = 0.4 is for one class: of 2 the most probable"):
        parse_config(document, source="run.toml")
    assert parse("inference.threshold", 0.4).inference.given.threshold == 0.4
