"""Runs the graph on this machine: SQLite metadata, local files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.errors import DataRefused
from components.example_gen.listing import fingerprint
from components.example_gen.memory import held_out
from components.files import write_json, write_text
from components.parallel import THREADS, shield_workers
from components.serving_dir import SPLIT_REPORT_FILE, champion_version
from pipeline.config.execution import Execution
from pipeline.graph.nodes import ALWAYS_RUN, NODES
from pipeline.graph.pipeline import SCHEMA, Place, create_pipeline
from pipeline.runs import outcome
from pipeline.runs.console import RunConsole
from pipeline.runs.dag import Outputs, compile_pipeline, following, needed_for, run_nodes
from pipeline.runs.record import write_run
from pipeline.runs.request import Request
from pipeline.runs.termination import Terminated

EXIT_DONE, EXIT_CRASH, EXIT_REFUSED, EXIT_INTERRUPTED = 0, 1, 3, 130


def run(request: Request, console: RunConsole, before: Callable[[str], None]) -> dict[str, Any]:
    """Runs the graph and returns the contents of `run.json`; its `exit_code` is that of the command.

    `before` is called with each node's name; where it raises `Terminated`, the run ends there.
    """
    record: dict[str, Any] = {
        "id": request.run_dir.name,
        "recipe": request.name,
        "status": "running",
        "exit_code": None,
        "pid": os.getpid(),
        "steps": [],
        "seed": request.config.training.seed,
        "versions": outcome.versions(),
        "config": request.config.model_dump(),
    }
    outputs: dict[str, Outputs] = {}
    write_run(request.run_dir, record)
    try:
        _run_graph(request, console, record, outputs, before)
        _conclude(request, record, outputs)
    except Terminated as termination:
        record |= {"status": "interrupted", "exit_code": termination.exit_code, "reasons": [str(termination)]}
    except DataRefused as refusal:
        record |= {"status": "refused by the data gate", "exit_code": refusal.exit_code}
        record["reasons"] = refusal.reasons
        write_json(request.run_dir / SPLIT_REPORT_FILE, refusal.report)
    except BaseException as error:
        # TensorFlow wraps an interrupt that arrives while it raises an error of its own.
        if isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt" in str(error):
            record |= {"status": "interrupted", "exit_code": EXIT_INTERRUPTED, "reasons": ["interrupted"]}
            raise KeyboardInterrupt from error
        record |= {"status": "failed", "exit_code": getattr(error, "exit_code", EXIT_CRASH)}
        record["reasons"] = [str(error) or type(error).__name__]
        raise
    finally:
        write_run(request.run_dir, _complete(record, outputs))
    return record


def _run_graph(
    request: Request,
    console: RunConsole,
    record: dict[str, Any],
    outputs: dict[str, Outputs],
    before: Callable[[str], None],
) -> None:
    def started(node: str) -> None:
        before(node)
        console.started(node)

    place = Place(
        name=request.name,
        data=str(request.data),
        files=fingerprint(request.data, request.config.data),
        held_out=json.dumps(held_out(request.data, request.config.data, request.serving)),
        notice=request.notice,
        root=str(request.out / "artifacts"),
        serving=str(request.serving),
        schema=str(_stage_schema(request.out)),
        run=request.run_dir.name,
        metadata=sqlite_metadata_connection_config(str(request.out / "metadata.sqlite")),
    )
    set_threads(request.config.execution)
    shield_workers()
    pipeline = create_pipeline(request.config, place, champion_version(request.serving) or "")
    compiled = compile_pipeline(pipeline, request.run_dir.name)
    only = needed_for(compiled, request.to_node) if request.to_node else set(NODES)
    again = following(compiled, request.from_node) if request.from_node else set()
    with console.live():
        for result in run_nodes(compiled, only, again | ALWAYS_RUN, started):
            outputs[result.id] = result.outputs
            console.finished(result.id, result.state, result.seconds, result.reason)
            record["steps"].append(_step(result.id, result.state, result.seconds, result.reason))
            if result.id == "ImageMaskExampleGen":
                _warn_of_rejects(console, outputs)
            if result.id == "Trainer":
                _warn_of_training(console, outputs)
            write_run(request.run_dir, record)


def set_threads(execution: Execution) -> None:
    """For this process and the workers that it starts; as an argument it would be part of the cache's key."""
    os.environ[THREADS] = execution.threads


def _conclude(request: Request, record: dict[str, Any], outputs: dict[str, Outputs]) -> None:
    blessed, reasons = outcome.verdict(outputs)
    late = outcome.refused_at_the_push(outputs) if blessed else None
    reasons = [*reasons, late] if late else reasons
    refused = blessed is False or late is not None
    record |= {
        "status": "refused by the evaluation" if refused else "done",
        "exit_code": EXIT_REFUSED if refused else EXIT_DONE,
        "blessed": blessed,
        "reasons": reasons,
    }
    report = outcome.report(outputs)
    if report:
        shutil.copy2(report, request.run_dir / report.name)
        record["report"] = str(request.run_dir / report.name)


def _complete(record: dict[str, Any], outputs: dict[str, Outputs]) -> dict[str, Any]:
    """Every key that `run.json` promises, however far the run came."""
    pushed, not_pushed = outcome.pushed(outputs)
    record.setdefault("blessed", None)
    record.setdefault("reasons", [])
    record.setdefault("report", None)
    record |= {
        "counts": outcome.counts(outputs),
        "metrics": outcome.metrics(outputs),
        "warnings": outcome.training_warnings(outputs),
        "devices": outcome.devices(outputs),
        "pushed": pushed,
        "not_pushed": not_pushed,
    }
    return record


def _step(node: str, state: str, seconds: float, reason: str) -> dict[str, Any]:
    return {
        "id": node,
        "state": state,
        "seconds": round(seconds, 2),
        "cached": state == "cached",
        "reason": reason,
    }


def _warn_of_rejects(console: RunConsole, outputs: dict[str, Outputs]) -> None:
    rejects = outcome.rejects(outputs)
    for reject in rejects[:10]:
        console.warn(f"rejected {reject['source']}: {reject['reason']}")
    if len(rejects) > 10:
        console.warn(f"and {len(rejects) - 10} more; all are in the report")


def _warn_of_training(console: RunConsole, outputs: dict[str, Outputs]) -> None:
    for warning in outcome.training_warnings(outputs):
        console.warn(warning)


def _stage_schema(out: Path) -> Path:
    """A copy of the schema named by its contents: TFX's cache looks at the path alone."""
    text = SCHEMA.read_text(encoding="utf-8")
    staged = out / "schemas" / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.pbtxt"
    if not staged.exists():
        staged.parent.mkdir(exist_ok=True)
        write_text(staged, text)
    return staged
