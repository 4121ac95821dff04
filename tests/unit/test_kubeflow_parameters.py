"""Files that are installed in the image, and the last word of a container."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import pytest

import schemas
from components.errors import DataRefused, UsageError
from components.example_gen.layouts.registry import LAYOUTS
from components.example_gen.version import example_gen_version
from components.trainer.version import trainer_version
from pipeline.config.loader import load_config
from pipeline.kubeflow.container.logs import JsonLine, last_word, leave
from pipeline.kubeflow.container.parameters import check_code, resolved

SCHEMA = Path(schemas.__file__).parent / "image_mask.pbtxt"
DIGEST = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()


def test_a_file_of_the_image_is_found_and_other_parameters_stay() -> None:
    given = {"schema_file": f"package:schemas/image_mask.pbtxt#{DIGEST[:12]}", "epochs": 3, "note": "a package: of x"}
    assert resolved(given) == {**given, "schema_file": str(SCHEMA)}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("package:schemas/image_mask.pbtxt#000000000000", f"SHA-256 {DIGEST[:12]}, .* compiled with 000000000000"),
        ("package:schemas/image_mask.pbtxt", f"SHA-256 {DIGEST[:12]}, .* compiled with none"),
        ("package:schemas/no_such.pbtxt#0", "schemas/no_such.pbtxt: not installed in this image"),
        ("package:no_such_package/x#0", "no_such_package/x: not installed in this image"),
    ],
)
def test_another_version_of_the_file_is_refused(reference: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolved({"schema_file": reference})


def test_the_code_of_whatever_a_config_chooses_is_told_from_other_code() -> None:
    for compiled in (*map(example_gen_version, LAYOUTS), trainer_version(load_config("demo").trainer)):
        check_code({"code_version": compiled})
        other = compiled.replace(compiled[:12], "0123456789ab")
        with pytest.raises(UsageError, match=f"has the version {compiled}, the pipeline was compiled with {other}: "):
            check_code({"code_version": other})


def test_a_log_record_is_one_line_of_json() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = logging.LogRecord("maskline", logging.ERROR, "f.py", 1, "bad %s", ("ü\nü",), (ValueError, error, None))
    line = JsonLine().format(record)
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["severity"], parsed["logger"], parsed["message"]) == ("ERROR", "maskline", "bad ü\nü")
    assert "two\nlines" in parsed["exception"]


def test_the_last_word_says_what_happened_and_what_to_do() -> None:
    assert last_word(DataRefused(["two films of one woman"], {}), 4) == (
        "DataRefused (exit code 4): two films of one woman"
    )
    assert last_word(KeyError("x"), 1) == "KeyError (exit code 1): 'x'\nA crash: the step's log has the traceback."


def test_the_last_word_is_left_where_kubernetes_looks_and_nowhere_else(tmp_path: Path) -> None:
    leave("ü" * 5000, tmp_path / "termination-log")
    assert not list(tmp_path.iterdir())
    (tmp_path / "termination-log").touch()
    leave("ü" * 5000, tmp_path / "termination-log")
    assert (tmp_path / "termination-log").read_bytes() == ("ü" * 2048).encode()
