"""Recipes, TOML files and overrides."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from components.errors import UsageError
from pipeline.cli.listings import config_toml
from pipeline.config.execution import Execution
from pipeline.config.loader import load_config, load_execution, parse_config, recipe_names

LEAST = '[data]\nlayout = "mias"\nheight = 64\nwidth = 64\n[training]\nepochs = 1\n'


def test_recipes() -> None:
    assert {"demo", "demo_multiclass", "folders", "inbreast", "mias"} <= set(recipe_names())


@pytest.mark.parametrize("recipe", recipe_names())
def test_shown_config_is_the_config(recipe: str) -> None:
    config = load_config(recipe)
    again = parse_config(tomllib.loads(config_toml(config)), source="shown")
    assert again == config
    assert again.model_dump() == config.model_dump()


def test_shown_config_has_every_key() -> None:
    text = config_toml(
        load_config("mias", [r"data.groups={by='pattern', pattern='^(mdb\d+)'}", 'data.notice=he said "\\"'])
    )
    shown = tomllib.loads(text)
    assert shown["data"]["groups"]["pattern"] == r"^(mdb\d+)"
    assert shown["data"]["notice"] == 'he said "\\"'
    assert shown["evaluation"]["min_cases"] == 1
    assert {"# data.mask.threshold is not set", "# folds is not set"} <= {*text.splitlines()}


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("data.height=128", "data", "height", 128),
        ("evaluation.min_dice=0.8", "evaluation", "min_dice", 0.8),
        ("evaluation.min_dice = 0.8 ", "evaluation", "min_dice", 0.8),
        ("execution.cache=false", "execution", "cache", False),
        ("data.input=films of 1998/raw", "data", "input", "films of 1998/raw"),
        ('data.input="1998"', "data", "input", "1998"),
        ("data.input = raw films ", "data", "input", "raw films"),
        ("data.input=", "data", "input", ""),
        ("data.notice=a=b", "data", "notice", "a=b"),
        ("training.learning_rate=1e-4", "training", "learning_rate", 1e-4),
        ("serving.destination=served", "serving", "destination", "served"),
    ],
)
def test_override(tmp_path: Path, override: str, section: str, key: str, value: Any) -> None:
    (tmp_path / "run.toml").write_text(LEAST)
    found = getattr(getattr(load_config(str(tmp_path / "run.toml"), [override]), section), key)
    assert found == value
    assert type(found) is type(value)


def test_overrides_reach_tables_and_arrays(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(LEAST)
    overrides = ["data.splits.salt='7'", "data.splits={train=2,eval=1,test=1}", "model.parameters.levels=2"]
    config = load_config(str(tmp_path / "run.toml"), overrides)
    assert (config.data.splits.train, config.data.splits.eval, config.data.splits.salt) == (2, 1, "")
    assert config.model.parameters["levels"] == 2


def test_the_last_override_wins() -> None:
    assert load_config("mias", ["data.height=64", "data.height=128"]).data.height == 128


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("height", "--set height: expected section.key=value, for example evaluation.min_dice=0.8"),
        ("data.height", "--set data.height: expected section.key=value"),
        ("height=3", "--set height: expected section.key=value"),
        ("data.=3", "--set data.: expected section.key=value"),
        ("data.height.x=3", "--set data.height.x: height is a value, not a section"),
        ("data.height=x", "mias.toml with --set data.height: [data] height: found 'x', expected a valid integer"),
        ("nothing.x=1", "mias.toml with --set nothing.x: [nothing]: unknown key. Allowed: augmentation, data"),
    ],
)
def test_a_wrong_override_is_named(override: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config("mias", [override])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "override",
    [
        "kubeflow.token=3",
        "kubeflow.tokn=s3cr3t",
        "schedule.notify.webhook=3",
        "schedule.notify.webook=https://host/s3cr3t",
        "schedule.notify.webhook.x=https://host/s3cr3t",
        "schedule.notify.webhook_env=https://host/s3cr3t",
        "schedule.notify.command=curl -H s3cr3t",
        "schedule.notify.command=[['s3cr3t']]",
        "schedule.notify=https://host/s3cr3t",
        "schedule.notify={webhook='https://host/s3cr3t'",
        "schedule.notify={webook='https://host/s3cr3t'}",
        "schedule.notify.webhook='https://host/s3cr3t' data.height=x",
        "https://host/s3cr3t?key=7",
        "https://host/s3cr3t",
    ],
)
def test_what_may_be_secret_is_in_no_message(override: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config("mias", [override, "data.height=x"])
    assert "s3cr3t" not in str(caught.value)


def test_no_such_recipe() -> None:
    with pytest.raises(UsageError, match=r"nothing: neither a recipe \(bcss, cervical, demo, .*\) nor a TOML file"):
        load_config("nothing")


DEEP = ["[" * 3000, "{a = " * 3000, "9" * 5000]
"""What Python's TOML parser fails on otherwise than by saying that it is no TOML."""


@pytest.mark.parametrize(
    "content", [b"[data\n", b"data = \xff\n", b"[a]\n[a]\n", *(f"a = {value}".encode() for value in DEEP)]
)
def test_not_a_toml_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="not a TOML file") as caught:
        load_config(str(path))
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("value", DEEP)
def test_a_value_that_no_parser_takes_is_named_by_its_key(value: str) -> None:
    with pytest.raises(UsageError, match=r"^--set data\.height: not a value: (nested too deeply|Exceeds the limit)"):
        load_config("demo", [f"data.height={value}"])


@pytest.mark.parametrize("depth", [100, 400])
def test_a_value_too_deep_to_be_shown_is_named_by_its_file(tmp_path: Path, depth: int) -> None:
    deep = ".".join("a" * depth)
    (tmp_path / "mine.toml").write_text(f"{LEAST}[data.splits]\ntrain.{deep} = 1\n")
    with pytest.raises(UsageError, match=r"^mine\.toml: "):
        load_config(str(tmp_path / "mine.toml"))
    with pytest.raises(UsageError, match=r"^demo\.toml with --set data\.height: "):
        load_config("demo", [f"data.height={{{deep} = 1}}"])


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(LEAST + "epoch = 3\n")
    with pytest.raises(UsageError, match=r"^mine\.toml: \[training\] epoch: unknown key"):
        load_config(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("value", ["0", "otsuu"])
def test_a_key_of_several_types_is_one_line(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config("folders", [f"data.mask.threshold={value}"])
    assert len(str(caught.value).splitlines()) == 1
    assert "[data.mask] threshold: found" in str(caught.value)
    assert str(caught.value).endswith(", or 'otsu' or 'triangle'")


@pytest.mark.parametrize("before", ["", LEAST], ids=["alone", "in a recipe"])
def test_where_beam_works_is_read_alone(tmp_path: Path, before: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f'{before}[execution]\nworkers = 3\nparallel = "processes"\n')
    assert load_execution(str(path)) == Execution(workers=3, parallel="processes")
    assert load_execution("mias") == Execution()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (
            "[execution]\nworkers = -1\n",
            r"own\.toml: \[execution\] workers: found -1, expected greater than or",
        ),
        ("[execution]\nworker = 1\n", r"own\.toml: \[execution\] worker: unknown key\. Allowed: beam, cache, "),
        ("[exectuion]\nworkers = 1\n", r"own\.toml: \[exectuion\]: unknown key\. Allowed: .*execution"),
        (
            '[execution]\nbeam = "flink"\nparallel = "processes"\n',
            r'parallel = "processes" is for beam = "local"',
        ),
        ("[execution\n", r"own\.toml: not a TOML file"),
    ],
)
def test_what_is_wrong_with_it_is_named(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "own.toml").write_text(content)
    with pytest.raises(UsageError, match=named):
        load_execution(str(tmp_path / "own.toml"))


def test_a_file_of_more_than_a_config_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(LEAST + "#" * 2**20)
    with pytest.raises(UsageError, match=r"run\.toml: cannot be read: has more than the 1048576 bytes"):
        load_config(str(path))
    path.write_text(LEAST + "".join(f"key{number} = 1\n" for number in range(50_000)))
    with pytest.raises(UsageError) as caught:
        load_config(str(path))
    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1]) == (21, "run.toml: and 49980 more")
    assert lines[0].startswith("run.toml: [training] key0: unknown key")
