"""Tables and texts that verbs print: architectures, runs, configs."""

from __future__ import annotations

import inspect
from itertools import chain
from pathlib import Path
from typing import Any

import tomli_w

from components.trainer.models.registry import ARCHITECTURES
from pipeline.config.root import Config
from pipeline.runs.record import RunRecord
from pipeline.terminal import Column, Styled, Terminal


def models() -> list[dict[str, Any]]:
    """Every architecture with its description, its input rule and the JSON schema of its parameters."""
    return [
        {
            "name": name,
            "description": inspect.getdoc(architecture),
            "input_multiple": architecture().input_multiple,
            "parameters": architecture.model_json_schema()["properties"],
        }
        for name, architecture in sorted(ARCHITECTURES.items())
    ]


def print_models(listing: list[dict[str, Any]]) -> None:
    """The architectures, each with a table of its parameters."""
    terminal = Terminal(wraps=True)
    for model in listing:
        terminal.say(Styled(model["name"], "bold"))
        for line in model["description"].split("\n"):
            terminal.say(line)
        terminal.say(f"Height and width: multiples of {model['input_multiple']} with the default parameters.")
        terminal.say()
        rows = [
            (name, str(schema["default"]).lower(), _allowed(schema)) for name, schema in model["parameters"].items()
        ]
        terminal.show([Column("parameter"), Column("default"), Column("allowed")], rows)


def print_runs(runs: list[RunRecord], out: Path) -> None:
    """A line per run, and per slot of a schedule that had none, with the reason."""
    terminal = Terminal(wraps=True)
    if not runs:
        terminal.say(f"no runs below {out}")
        return
    measured = " / ".join(dict.fromkeys(run.scores.title for run in runs if run.scores)) or "score"
    # The reason of a slot is long; an id that is cut names no run.
    columns = [Column(name, whole=name != "status") for name in ("run", "recipe", "status", measured, "pushed")]
    terminal.show(columns, map(_run_row, runs), title=f"{out}/**/runs")


def _run_row(run: RunRecord) -> tuple[str, ...]:
    mean = run.scores.mean.mean if run.scores else None
    shown = "" if mean is None else f"{mean:.3f}"
    status = ": ".join([run.status, *run.reasons[:1]]) if run.slot else run.status
    return run.id, run.recipe, status, shown, run.pushed.version if run.pushed else ""


def config_toml(config: Config) -> str:
    """The whole config as TOML. TOML has no null: keys without a value stand in comments."""
    return "\n".join(_section(name, values) for name, values in config.model_dump().items())


def _section(name: str, values: dict[str, Any] | None) -> str:
    if values is None:
        return f"# {name} is not set\n"
    comments = "".join(f"# {key} is not set\n" for key in _unset(name, values))
    return comments + tomli_w.dumps({name: _without_unset(values)})


def _unset(name: str, values: dict[str, Any]) -> list[str]:
    own = [f"{name}.{key}" for key, value in values.items() if value is None]
    tables = [_unset(f"{name}.{key}", value) for key, value in values.items() if isinstance(value, dict)]
    return [*own, *chain.from_iterable(tables)]


def _without_unset(value: Any) -> Any:
    """Of tables and lists of tables, however deep."""
    if isinstance(value, dict):
        return {key: _without_unset(item) for key, item in value.items() if item is not None}
    return [_without_unset(item) for item in value] if isinstance(value, list) else value


def _allowed(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    limits = {"minimum": "from", "maximum": "to", "exclusiveMaximum": "below"}
    return " ".join([schema["type"], *(f"{word} {schema[key]:g}" for key, word in limits.items() if key in schema)])
