"""The section `[schedule]`: what is refused, and what is never written."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from components.errors import UsageError
from pipeline.cli.listings import config_toml
from pipeline.config.loader import parse_config

LEAST: dict[str, Any] = {"data": {"layout": "mias", "height": 64, "width": 64}, "training": {"epochs": 1}}


def parse(**schedule: Any) -> Any:
    return parse_config({**LEAST, "schedule": schedule}, "run.toml")


@pytest.mark.parametrize("cron", ["0 2 * * *", "*/5 * * * *", "0 0 29 2 *", "0 0 L * MON-FRI", "  0  2 * * * "])
def test_a_cron_expression(cron: str) -> None:
    assert parse(cron=cron).schedule.cron == " ".join(cron.split())


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("0 2 * *", "expected five fields"),
        ("0 0 2 * * *", "expected five fields"),
        ("@daily", "expected five fields"),
        ("60 2 * * *", "Bad minute"),
        ("0 24 * * *", "Bad hour"),
        ("0 2 0 * *", "Bad day-of-month"),
        ("0 2 * 13 *", "Bad month"),
        ("0 2 * * 8", "Bad day-of-week"),
        ("0 2 30 2 *", "Bad day-of-month"),
        ("a b c d e", "Bad minute"),
        ("*/0 * * * *", "Bad minute"),
    ],
)
def test_what_is_no_cron_expression(cron: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(cron=cron)
    assert f"run.toml: [schedule] cron: found {cron!r}, {message}" in str(error.value)


@pytest.mark.parametrize("name", ["Europe/Belrin", "../etc/passwd", "/etc/localtime", "Europe"])
def test_an_unknown_time_zone(name: str) -> None:
    with pytest.raises(UsageError, match="no such time zone"):
        parse(timezone=name)


@pytest.mark.parametrize(
    ("key", "value"),
    [("jitter", -1), ("timeout", 0), ("grace", 0), ("retries", 11), ("backoff", 0), ("missed", "all"), ("drift", 1.5)],
)
def test_values_out_of_range(key: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"\[schedule\] {key}: found "):
        parse(**{key: value})


def test_an_unknown_event() -> None:
    with pytest.raises(UsageError, match=r"\[schedule.notify.on\] 0: found 'success', expected 'pushed', 'done'"):
        parse(notify={"on": ["success"]})


def test_a_drift_that_the_data_gate_refuses_starts_no_run() -> None:
    assert parse(drift=0.39).schedule.drift == 0.39
    for drift in (0.4, 0.5):
        with pytest.raises(
            UsageError, match=rf"drift = {drift} is not below \[validation\] max_drift = 0.4: .* Raise max_drift"
        ):
            parse(drift=drift)


def test_the_address_of_a_webhook_is_in_no_dump() -> None:
    config = parse(notify={"webhook": "https://host/s3cr3t"})
    assert config.schedule.notify.webhook.get_secret_value() == "https://host/s3cr3t"
    assert "s3cr3t" not in json.dumps(config.model_dump())
    assert "s3cr3t" not in repr(config)


def test_the_command_is_in_no_dump() -> None:
    config = parse(notify={"command": ["curl", "-H", "Authorization: s3cr3t"], "on": ["done"]})
    assert config.schedule.notify.command[2] == "Authorization: s3cr3t"
    assert "s3cr3t" not in json.dumps(config.model_dump())
    assert "s3cr3t" not in repr(config)
    shown = parse_config(tomllib.loads(config_toml(config)), "shown").schedule.notify
    assert (shown.command, shown.on) == ([], ["done"])
