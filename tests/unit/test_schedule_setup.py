"""From the command line to a scheduler: what the run and those who start it are given, and what is never passed on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import UsageError
from pipeline.config.loader import load_config
from pipeline.runs.launch import output_folder
from pipeline.schedule import setup
from pipeline.schedule.ledger import Ledger
from pipeline.schedule.policy import Facts
from pipeline.schedule.setup import Job, hand_over


def job(tmp_path: Path, *overrides: str, recipe: str = "demo") -> Job:
    config = load_config(recipe, ["schedule.cron=0 2 * * *", *overrides])
    return Job(recipe, config, tmp_path / "films", tmp_path / "out", overrides)


def test_the_run_gets_what_the_scheduler_was_given_but_its_own_settings(tmp_path: Path) -> None:
    words = setup._run_command(
        job(tmp_path, "training.epochs=3", " schedule.notify.webhook_env=HOOK"), tmp_path / "out"
    )
    assert words == [
        *(sys.executable, "-P", "-m", "pipeline.cli", "run", "demo"),
        *("--data", str(tmp_path / "films"), "--out", str(tmp_path / "out"), "--set", "training.epochs=3", "--json"),
    ]


def test_a_recipe_s_file_is_named_whole_where_others_start_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text((Path(setup.__file__).parents[1] / "recipes" / "demo.toml").read_text())
    [line] = hand_over(job(tmp_path, recipe="mine.toml"), "crontab", install=False)
    assert f"cd {tmp_path} && " in line
    assert f"schedule {tmp_path}/mine.toml --once --data {tmp_path}/films --out {tmp_path}/out #" in line


SECRETS = [
    "schedule.notify.webhook=https://host/s3cr3t",
    'schedule.notify.webhook="\\u0068ttps://host/s3cr3t"',
    "schedule.notify.webhook='''https://host/s3cr3t'''",
    'schedule.notify={webhook = "https://host/s3cr3t"}',
    'schedule.notify={"web\\u0068ook" = "\\u0068ttps://host/s3cr3t"}',
    "schedule.notify={'webhook' = 'https://host/s3cr3t', on = ['done']}",
    "schedule.notify.command=['curl', 's3cr3t']",
    'schedule.notify={"\\u0063ommand" = ["curl", "s3cr3t"]}',
    "kubeflow.token=s3cr3t",
    ' kubeflow.token = "s3cr3t" ',
    'kubeflow.token="\\u0073\\u0033cr3t"',
]


@pytest.mark.parametrize("override", SECRETS)
@pytest.mark.parametrize("target", ["systemd", "crontab"])
def test_a_secret_is_not_written_where_others_start_it(tmp_path: Path, override: str, target: str) -> None:
    given = job(tmp_path, "training.epochs=3", override)
    notify, token = given.config.schedule.notify, given.config.kubeflow.token
    assert "s3cr3t" in f"{notify.webhook.get_secret_value()} {notify.command} {token.get_secret_value()}"
    with pytest.raises(
        UsageError, match=r"its value would be written where all can read it.* the recipe's file"
    ) as error:
        hand_over(given, target, install=False)
    assert "cr3t" not in str(error.value)


@pytest.mark.parametrize("override", SECRETS)
def test_nor_is_it_among_the_words_of_the_run(tmp_path: Path, override: str) -> None:
    words = setup._run_command(job(tmp_path, "training.epochs=3", override), tmp_path)
    assert words[-3:] == ["--set", "training.epochs=3", "--json"]
    assert words.count("--set") == 1


def test_a_recipe_that_is_edited_while_the_loop_waits_counts_as_it_is_now(
    tmp_path: Path, write_pairs: Callable[..., Path]
) -> None:
    recipe, out = tmp_path / "mine.toml", output_folder("mine", tmp_path / "out")
    text = (Path(setup.__file__).parents[1] / "recipes" / "folders.toml").read_text()
    write_pairs(tmp_path / "films", 2)
    write_pairs(tmp_path / "more", 3)

    def edit(old: str, new: str) -> Facts:
        recipe.write_text(text.replace(old, new))
        return setup._gather(given, out, Ledger(out))

    recipe.write_text(text.replace("[data]", f'[data]\ninput = "{tmp_path}/films"'))
    given = replace(job(tmp_path, "data.groups.by=name", recipe=str(recipe)), data=None)
    before = edit("[data]", f'[data]\ninput = "{tmp_path}/films"')
    after = edit("[data]", f'[data]\ninput = "{tmp_path}/more"')
    assert (before.new_cases, after.new_cases) == (4, 6)
    assert before.config != after.config
    with pytest.raises(UsageError, match="unknown key"):
        edit("[data]", "[data]\nimput = 3")


def test_when_to_run_and_on_what_stays_as_it_was_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, out = tmp_path / "mine.toml", output_folder("mine", tmp_path / "out")
    text = (Path(setup.__file__).parents[1] / "recipes" / "demo.toml").read_text()
    recipe.write_text(text)
    given = replace(job(tmp_path, recipe=str(recipe)), data=tmp_path)
    recipe.write_text(f"{text}\n[schedule]\nmin_new_cases = 7\n[serving]\ndestination = '{tmp_path}/served'\n")
    monkeypatch.setattr(setup, "gather", lambda config, *_: config)
    read = setup._gather(given, out, Ledger(out))
    assert read.schedule == given.config.schedule
    assert read.serving.destination == f"{tmp_path}/served"


def test_a_log_on_a_full_disk_is_no_reason_to_die() -> None:
    code = "import os; from pipeline.schedule import setup; setup._print('next run'); os._exit(7)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with Path("/dev/full").open("w") as full:
        assert subprocess.run([sys.executable, "-c", code], stdout=full, env=environment, check=False).returncode == 7
