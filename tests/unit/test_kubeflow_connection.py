"""Where the cluster is, who asks, and that the token stays between them; cron as Kubeflow's controller reads it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from components.errors import UsageError
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.loader import load_config
from pipeline.kubeflow.cluster.connection import find_connection
from pipeline.kubeflow.cluster.cron import next_time, six_fields

TOKEN = "eyJhbGciOi.secret-of-the-test"
ENVIRONMENT = {"KFP_ENDPOINT": "https://kfp.example.org/pipeline/", "KFP_NAMESPACE": "team", "KFP_TOKEN": TOKEN}


def test_the_environment_says_where_and_who() -> None:
    found = find_connection(Kubeflow(), ENVIRONMENT)
    assert (found.endpoint, found.namespace) == ("https://kfp.example.org/pipeline", "team")
    assert found.token.get_secret_value() == TOKEN


def test_the_recipe_comes_first() -> None:
    settings = Kubeflow(endpoint="http://localhost:8888", namespace="mine", token=SecretStr("other"))
    found = find_connection(settings, ENVIRONMENT)
    assert (found.endpoint, found.namespace, found.token.get_secret_value()) == (
        "http://localhost:8888",
        "mine",
        "other",
    )


def test_a_token_read_from_a_file_may_end_in_a_newline() -> None:
    assert find_connection(Kubeflow(), {**ENVIRONMENT, "KFP_TOKEN": f"{TOKEN}\n"}).token.get_secret_value() == TOKEN


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-Other: 1", f"Bearer {TOKEN}", f"{TOKEN}ü", f"{TOKEN}\0"])
def test_a_token_that_no_header_can_carry_is_refused_unseen(token: str) -> None:
    with pytest.raises(UsageError, match="KFP_TOKEN") as raised:
        find_connection(Kubeflow(), {**ENVIRONMENT, "KFP_TOKEN": token})
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("", "no cluster: set KFP_ENDPOINT, or"),
        ("kfp.example.org", "kfp.example.org: expected an address that begins with https://"),
        ("ftp://kfp.example.org", "ftp://kfp.example.org: expected an address"),
        ("https://", "https://: expected an address"),
        ("https://[::1", "expected an address"),
        (f"https://me:{TOKEN}@kfp.example.org", "has a user or password in it. Set KFP_TOKEN"),
    ],
)
def test_an_endpoint_that_is_none_is_refused(endpoint: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_connection(Kubeflow(), {"KFP_ENDPOINT": endpoint})
    assert message in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "override"),
    [
        (f'[kubeflow]\ntoken = ["{TOKEN}"]', "training.epochs=1"),
        ("", f"kubeflow.token=['{TOKEN}']"),
        ("", f"kubeflow={{token='{TOKEN}', imag='x'}}"),
        ("", f"kubeflow.token.x={TOKEN}"),
        (f'[kubeflow]\ntoken = "{TOKEN}"', f"kubeflow.token.x={TOKEN}"),
        ("[kubeflow]\ntypo = 1", f"kubeflow.token={TOKEN}"),
    ],
)
def test_an_error_in_the_config_does_not_show_the_token(tmp_path: Path, text: str, override: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text('[data]\nlayout = "mias"\nheight = 64\nwidth = 64\n[training]\nepochs = 1\n' + text)
    with pytest.raises(UsageError) as raised:
        load_config(str(file), [override])
    assert "kubeflow" in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("section", ["[kubeflow.nodes.Trainer]", "[[kubeflow.volumes]]\nclaim='a'\npath='/a'"])
def test_an_unknown_key_in_a_table_of_tables_is_named(tmp_path: Path, section: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(f'[data]\nlayout = "mias"\nheight = 64\nwidth = 64\n[training]\nepochs = 1\n{section}\ntypo = 1\n')
    with pytest.raises(UsageError, match=r"typo\]?: unknown key\. Allowed: \w+"):
        load_config(str(file))


def test_help_imports_no_client() -> None:
    program = (
        "import sys, typer.testing, pipeline.cli.app as cli\n"
        "result = typer.testing.CliRunner().invoke(cli.app, ['kubeflow', 'submit', '--help'])\n"
        "assert '--timeout' in result.output, result.output\n"
        "print([name for name in ('kfp', 'kfp_server_api', 'tfx', 'tensorflow', 'kubernetes') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        ("0 2 * * *", "0 0 2 * * *"),
        ("  30   4 1,15 * MON-FRI ", "0 30 4 1,15 * MON-FRI"),
        ("*/10 0 2 * * *", "*/10 0 2 * * *"),
        ("0 2 * JUL 0", "0 0 2 * JUL 0"),
        ("0 2 * * */7", "0 0 2 * * */7"),
    ],
)
def test_kubeflow_wants_seconds_in_front(expression: str, fields: str) -> None:
    assert six_fields(expression) == fields


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "0 fields, expected five"),
        ("0 2 * *", "4 fields, expected five"),
        ("@daily", "1 fields"),
        ("0 0 2 * * * 2027", "7 fields"),
        ("61 2 * * *", "bad minute"),
        ("0 2 * * MOON", "bad day-of-week"),
        ("0 2 30 2 *", "bad day-of-month"),
        ("0 2 31 2,4 1#5", "is not for Kubeflow"),
        ("0 2 L * *", "'L' is not for Kubeflow: L and W are unknown there"),
        ("0 2 * * 7", "Sunday is 0"),
        ("0 2 * * 1-7", "Sunday is 0"),
        ("0 2 * * 5L", "'5L' is not for Kubeflow"),
        ("0 2 * * 1#2", "'1#2' is not for Kubeflow"),
    ],
)
def test_what_kubeflow_cannot_read_is_refused_before_it_is_sent(expression: str, reason: str) -> None:
    with pytest.raises(UsageError) as raised:
        six_fields(expression)
    assert f"--cron {expression!r}: " in str(raised.value)
    assert reason in str(raised.value)


def test_the_next_time_counts_seconds() -> None:
    now = datetime(2028, 2, 28, 2, 0, 30, tzinfo=UTC)
    assert next_time("0 0 2 * * *", now) == datetime(2028, 2, 29, 2, tzinfo=UTC)
    assert next_time("45 0 2 * * *", now) == datetime(2028, 2, 28, 2, 0, 45, tzinfo=UTC)
