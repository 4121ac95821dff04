"""What is secret in a config: marked at its field, and then in no dump, no message and nowhere that others read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from components.errors import UsageError
from components.settings import Confidential, Section
from pipeline.cli.listings import config_toml
from pipeline.config import secrets
from pipeline.config.loader import load_config, parse_config, table_of
from pipeline.config.root import Config
from pipeline.config.secrets import concerns_secret, secret_keys, secrets_in

LEAST: dict[str, Any] = {"data": {"layout": "mias", "height": 64, "width": 64}, "training": {"epochs": 1}}
KNOWN = {("kubeflow", "token"), ("schedule", "notify", "command"), ("schedule", "notify", "webhook")}


def fields_of(section: type[BaseModel]) -> Iterator[FieldInfo]:
    for field in section.model_fields.values():
        yield field
        waiting = [field.annotation]
        for annotation in waiting:
            waiting += get_args(annotation)
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from fields_of(annotation)


def test_each_secret_is_marked_and_left_out_of_dumps() -> None:
    assert set(secret_keys()) == KNOWN
    marked = 0
    for field in fields_of(Config):
        is_marked = any(isinstance(item, Confidential) for item in field.metadata)
        assert is_marked == bool(field.exclude)
        assert is_marked or field.annotation is not SecretStr
        marked += is_marked
    assert marked == len(KNOWN)


@pytest.mark.parametrize("secret", sorted(KNOWN), ids=".".join)
def test_a_secret_is_in_no_dump(secret: tuple[str, ...]) -> None:
    value: Any = ["curl", "s3cr3t"] if secret[-1] == "command" else "https://host/s3cr3t"
    table: dict[str, Any] = {secret[-1]: value}
    for name in reversed(secret[:-1]):
        table = {name: table}
    config = parse_config({**LEAST, **table}, "run.toml")
    dumps = [config.model_dump(), config.model_dump(mode="json"), config.model_dump_json(), config_toml(config)]
    assert "s3cr3t" not in json.dumps([*dumps, repr(config), str(config)], default=repr)


class Inner(Section):
    key: Annotated[str, Confidential()] = ""


class Outer(Section):
    one: Inner | None = None
    several: list[Inner] | None = None
    named: dict[str, list[Inner]] | None = None


def test_a_new_secret_is_found_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(secrets._keys(Outer, ()))
    assert set(found) == {("one", "key"), ("several", "*", "key"), ("named", "*", "*", "key")}
    monkeypatch.setattr(secrets, "secret_keys", lambda: found)
    tables = ({"one": {"key": 1}}, {"several": [{}, {"key": 1}]}, {"named": {"a": [{"key": 1}]}})
    assert [len(list(secrets_in(table))) for table in tables] == [1, 1, 1]
    assert not any(map(any, map(secrets_in, ({"one": {"keys": 1}}, {"one": "key"}, {"several": [[]]}, {"key": 1}))))
    assert all(map(concerns_secret, (["one"], ["several", "3"], ["named", "x", "0", "key"], ["one", "key", "str"])))
    assert not any(map(concerns_secret, (["two"], ["one", "other"])))


@pytest.mark.parametrize(
    ("override", "keys"),
    [
        ("kubeflow.token=x", ["kubeflow.token"]),
        (" kubeflow.token = x", ["kubeflow.token"]),
        (
            'schedule.notify={"web\\u0068ook" = "x", command = []}',
            ["schedule.notify.command", "schedule.notify.webhook"],
        ),
        ("kubeflow.image=token", []),
        ("schedule.notify.webhook_env=HOOK", []),
        ("data.notice='kubeflow.token=x'", []),
    ],
)
def test_what_an_override_sets_is_known_however_it_is_written(override: str, keys: list[str]) -> None:
    assert sorted(key for key, _ in secrets_in(table_of(override))) == keys


@pytest.mark.parametrize(
    "override",
    [
        "schedule.notify.webhook=['https://host/s3cr3t']",
        "kubeflow.token=['s3cr3t']",
        "schedule.notify={command={a='s3cr3t'}}",
        "kubeflow={token='s3cr3t'}",
        "kubeflow.endpoint=https://me:s3cr3t@host",
        "kubeflow.pipeline_root=s3://key:s3cr3t@bucket",
        "training.epochs=https://me:s3cr3t@host",
    ],
)
def test_no_message_shows_one(override: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config("demo", [override])
    assert "s3cr3t" not in str(error.value)
