"""`make audit`: the standing list of exceptions, and what is said where no advisory service answers."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.sbom import pins

ROOT = Path(__file__).parents[2]
EXCEPTIONS = tomllib.loads((ROOT / "tools/audit.toml").read_text())["exception"]
LOCKED = {pin.name: pin.version for pin in pins((ROOT / "requirements.lock").read_text())}


def audit(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(["make", "audit", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda exception: exception["id"])
def test_an_exception_is_of_the_version_that_is_locked(exception: dict[str, str]) -> None:
    assert set(exception) == {"id", "package", "version", "known", "exposure"}
    assert re.fullmatch(r"CVE-\d{4}-\d{4,}|PYSEC-\d{4}-\d+|GHSA(-[a-z0-9]{4}){3}", exception["id"])
    assert LOCKED[exception["package"]] == exception["version"]
    assert exception["known"] in ("reproduced", "record", "service")
    assert re.fullmatch(r"[A-Z`].{20,}[^.]\.", exception["exposure"])
    assert ". " not in exception["exposure"], "one sentence"


def test_every_exception_is_told_once_and_no_other() -> None:
    told = re.findall(r"--ignore-vuln (\S+)", audit("--dry-run").stdout)
    assert sorted(told) == sorted(exception["id"] for exception in EXCEPTIONS)
    assert len(set(told)) == len(told) > 0


@pytest.mark.parametrize(
    ("auditor", "code", "said"),
    [
        pytest.param("exit 0", 0, "no advisory", id="clean"),
        pytest.param('echo "onnx 1.18.0 CVE-1" > $TABLE; exit 1', 2, "onnx 1.18.0 CVE-1", id="found"),
        pytest.param("echo Traceback; echo no route >&2; exit 1", 2, "no route.*nothing is known", id="no answer"),
    ],
)
def test_no_answer_is_no_clean_verdict(tmp_path: Path, auditor: str, code: int, said: str) -> None:
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\nfor TABLE; do :; done\n{auditor.replace('$TABLE', chr(34) + '$TABLE' + chr(34))}\n")
    uv.chmod(0o755)
    answer = audit(f"UV={uv}", f"AUDITED={tmp_path}")
    assert answer.returncode == code
    assert re.search(said, answer.stdout + answer.stderr, re.DOTALL)
    assert ("no advisory" in answer.stdout) == (code == 0)
