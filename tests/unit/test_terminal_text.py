"""What names, ids and messages may hold, and what of it reaches a terminal."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import tomllib
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

import pipeline.cli
from components.run_report.environment import ENVIRONMENT
from pipeline.runs.console import RunConsole
from pipeline.runs.folders import find_run
from pipeline.runs.listener import Progress, Teller
from pipeline.runs.quiet import _Formatter

HOSTILE = {
    "a[/b]": "a[/b]",
    "b[red]c": "b[red]c",
    "[link=http://x]d": "[link=http:",
    ":smile: e": ":smile: e",
    "f\x1b[31m\x1b]0;title\x07": r"f\x1b[31m\x1b]0;title\x07",
    "g\x9b31m": r"g\u009b31m",
    "h\u202egnp": r"h\u202egnp",
    "i\nPushed: version 9": r"i\nPushed: version 9",
    "j\rk\x08\x7f": r"j\rk\x08\x7f",
}
"""Names of files, and how they are shown."""


class Screen:
    """Both streams of the process, as some terminal or pipe has them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self._written = [io.BytesIO(), io.BytesIO()]
        self._streams = [io.TextIOWrapper(written, encoding=encoding) for written in self._written]
        monkeypatch.setenv("COLUMNS", "80")
        for name, stream in zip(("stdout", "stderr"), self._streams, strict=True):
            monkeypatch.setattr(sys, name, stream)

    def text(self) -> str:
        for stream in self._streams:
            stream.flush()
        return "".join(
            written.getvalue().decode(stream.encoding)
            for written, stream in zip(self._written, self._streams, strict=True)
        )


def maskline(monkeypatch: pytest.MonkeyPatch, *arguments: str, encoding: str = "utf-8") -> tuple[int, str]:
    """Exit code and what is seen of a command."""
    screen = Screen(monkeypatch, encoding)
    monkeypatch.setattr(sys, "argv", ["maskline", *arguments])
    with pytest.raises(SystemExit) as ended:
        pipeline.cli.main()
    code = ended.value.code
    assert isinstance(code, int)
    return code, screen.text()


def is_harmless(text: str) -> bool:
    return all(character == "\n" or unicodedata.category(character)[0] != "C" for character in text)


def add_image(folder: Path, name: str) -> None:
    path = folder / "images" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.eye(8, dtype=np.uint8))[1].tobytes())
    (folder / "masks").mkdir(exist_ok=True)


@pytest.mark.parametrize(("name", "encoding"), [*((name, "utf-8") for name in HOSTILE), ("h\u202egnp", "latin-1")])
def test_names_are_shown_not_obeyed(name: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stem = name.replace("/", "∕") if "/" in name else name
    add_image(tmp_path, stem)
    code, text = maskline(monkeypatch, "check", str(tmp_path), encoding=encoding)
    assert code == 4
    assert is_harmless(text)
    assert max(map(len, text.splitlines())) <= 80
    unfolded = re.sub(r"\s", "", text)
    shown = HOSTILE[name].replace("/", "∕").encode(encoding, "backslashreplace").decode(encoding)
    assert re.sub(r"\s", "", shown) in unfolded


def test_a_letter_that_the_stream_has_not_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_image(tmp_path, "Läsion 1 – früh")
    code, text = maskline(monkeypatch, "check", str(tmp_path), encoding="ascii")
    assert code == 4
    assert "L\\xe4sion1" in text.replace(" ", "").replace("\\u00e4", "\\xe4")


def test_a_long_id_is_cut_in_tables_and_whole_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_image(tmp_path, "a")
    (tmp_path / "manifest.csv").write_text(f"image,mask,id\n{'x' * 5000}.png,,a\n")
    code, text = maskline(monkeypatch, "check", str(tmp_path))
    assert code == 4
    assert len(text) < 5000
    assert "…" in text
    _, text = maskline(monkeypatch, "check", str(tmp_path), "--json", encoding="ascii")
    assert json.loads(text)["rejects"][0]["source"] == f"{'x' * 5000}.png"


@pytest.mark.parametrize("name", ["\x1b[2J[/b]ü\udcff\nPushed: version 9", "x" * 5000])
@pytest.mark.parametrize("verb", ["report", "check", "config show", "runs", "kubeflow lint", "check a"])
def test_errors_are_shown_not_obeyed(verb: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = maskline(monkeypatch, *verb.split(), name, encoding="ascii")
    assert code == (0 if (verb, len(name) < 5000) == ("runs", True) else 2)
    assert is_harmless(text)
    assert not any(line.startswith("Pushed") for line in text.splitlines())
    assert len(text) < 2500 or "unexpected extra argument" in text


def test_the_terminal_has_one_door() -> None:
    prints = re.compile(
        r"\bprint\(|\.(echo|secho)\(|sys\.std(out|err)\.write|rich\.(console|table|text)|from rich import"
    )
    root = Path(pipeline.cli.__file__).parents[2]
    files = [path for folder in ("pipeline", "maskline") for path in (root / folder).rglob("*.py")]
    found = {path.relative_to(root).as_posix() for path in files if prints.search(path.read_text(encoding="utf-8"))}
    # The second prints the schema for a file; the third a line of a process of its own, which is read as JSON.
    assert found == {"pipeline/terminal.py", "pipeline/config/schema.py", "pipeline/cli/doctor.py"}


def test_a_page_and_a_log_show_what_a_terminal_shows() -> None:
    page = ENVIRONMENT.from_string("<b>{{ name }}</b>{% macro m() %}<i>{{ name }}</i>{% endmacro %}{{ m() }}")
    assert page.render(name="a\x1b\u202e<\nb") == r"<b>a\x1b\u202e&lt;" + "\nb</b>" + r"<i>a\x1b\u202e&lt;" + "\nb</i>"
    record = logging.LogRecord("x", logging.INFO, "", 1, "file %s", ("a\x1b[2J\x9b",), None)
    assert _Formatter().format(record).endswith(r"INFO x: file a\x1b[2J\u009b")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_config_is_the_same_in_every_encoding(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Läsion", "病変", "a\x9b\u202eb"]
    options = ["--set", f"data.classes={json.dumps(names)}", "--set", 'data.mask.form="indices"']
    _, text = maskline(monkeypatch, "config", "show", "folders", *options, encoding=encoding)
    assert tomllib.loads(text)["data"]["classes"] == names
    assert is_harmless(text)


def test_a_run_is_found_from_within_and_at_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo" / "runs" / "20260101-000000"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"status": "done"}')
    for place, name in ((folder.parent, folder.name), (folder, "."), (tmp_path, "demo/runs/20260101-000000")):
        monkeypatch.chdir(place)
        run = find_run(name)
        assert (run.id, run.recipe) == ("20260101-000000", "demo")


def test_where_a_training_goes_on_is_said_and_told(capsys: pytest.CaptureFixture) -> None:
    progress = {
        **{"epoch": 13, "epochs": 40, "step": 0, "steps": 7, "progress": 0.3, "images_per_second": None},
        **{"seconds_left": None, "notice": "goes on from epoch 13 of 40"},
    }
    told: list[Progress] = []
    for listener in (RunConsole(sys.stdout), Teller(told.append)):
        with listener.live():
            listener.started("Trainer")
            logging.getLogger("maskline.progress").info("training", extra={"progress": progress})
            logging.getLogger("maskline.progress").debug("step", extra={"progress": {**progress, "notice": ""}})
    assert capsys.readouterr().out == "Trainer goes on from epoch 13 of 40\n"
    assert [each.text for each in told] == ["", "goes on from epoch 13 of 40", ""]
