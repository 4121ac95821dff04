"""Runs the graph on this machine: SQLite metadata, local files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.artifacts import DOUBTFUL_FILE, SHEET_FILE
from components.disk import DiskFull, full_disk_named
from components.errors import DataRefused, ExitCode, exit_code_of
from components.example_gen.listing import fingerprint
from components.example_gen.memory import held_out
from components.files import write_json, write_text
from components.machine import versions
from components.serving_dir import SPLIT_REPORT_FILE, champion_version, content_sha256
from pipeline.graph.nodes import Nodes
from pipeline.graph.pipeline import SCHEMA, create_pipeline
from pipeline.graph.place import Place
from pipeline.graph.roles import Role, final_nodes, in_roles
from pipeline.runs.dag import ASKED, NodeResult, compile_pipeline, following, needed_for, run_nodes
from pipeline.runs.environment import workers_told
from pipeline.runs.listener import Listener
from pipeline.runs.outcome import Output, complete, conclude, notices
from pipeline.runs.outputs import tidied
from pipeline.runs.record import RunRecord, Status, Step, write_run
from pipeline.runs.request import Request
from pipeline.runs.store import STORE_FILE, finished_artifacts
from pipeline.runs.termination import Terminated


def run(request: Request, listener: Listener, before: Callable[[str], None] = lambda node: None) -> RunRecord:
    """Runs the graph and returns its record; its `exit_code` is that of the command.

    `before` is called with each node's name; where it raises `Terminated`, the run ends there.
    """
    record = RunRecord.begun(request.run_dir, request.name)
    record.seed, record.versions, record.config = request.config.training.seed, versions(), request.config.model_dump()
    if request.plan:
        record.plan = [asdict(choice) for choice in request.plan]
    outputs: dict[Role, Output] = {}
    write_run(request.run_dir, record)
    try:
        with full_disk_named(*request.written):
            _run_graph(request, listener, record, outputs, before)
            conclude(record, outputs)
            _keep_report(request, record)
    except Terminated as termination:
        record.end("interrupted", termination.exit_code, [str(termination)])
    except DataRefused as refusal:
        record.end("refused by the data gate", refusal.exit_code, refusal.reasons)
        write_json(request.run_dir / SPLIT_REPORT_FILE, refusal.report)
    except BaseException as error:
        # TensorFlow wraps an interrupt that arrives while it raises an error of its own.
        if isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt" in str(error):
            record.end("interrupted", ExitCode.INTERRUPTED, ["interrupted"])
            raise KeyboardInterrupt from error
        status: Status = "disk full" if isinstance(error, DiskFull) else "failed"
        record.end(status, exit_code_of(error), [str(error) or type(error).__name__])
        raise
    finally:
        complete(record, outputs)
        write_run(request.run_dir, record)
    return record


def _run_graph(
    request: Request,
    listener: Listener,
    record: RunRecord,
    outputs: dict[Role, Output],
    before: Callable[[str], None],
) -> None:
    def started(node: str) -> None:
        before(node)
        listener.started(node)

    champion = champion_version(request.serving) or ""
    place = Place(
        name=request.name,
        data=str(request.data),
        files=fingerprint(request.data, request.config.records),
        held_out=json.dumps(held_out(request.data, request.config.records, request.serving)),
        champion_content=content_sha256(request.serving / champion) if champion else "",
        notice=request.notice,
        root=str(request.out / "artifacts"),
        serving=str(request.serving),
        schema=str(_stage_schema(request.out)),
        run=request.run_dir.name,
        metadata=sqlite_metadata_connection_config(str(request.out / STORE_FILE)),
    )
    gone = tidied(request.out, finished_artifacts(place.metadata))
    pipeline = create_pipeline(request.config, place, champion)
    nodes = Nodes.of(pipeline)
    final = final_nodes(nodes.roles)
    compiled = compile_pipeline(pipeline, request.run_dir.name)
    only = needed_for(compiled, request.to_node) if request.to_node else nodes.traits.keys()
    again = following(compiled, request.from_node) if request.from_node else set()
    uncached = {**dict.fromkeys(again, ASKED), **dict.fromkeys(nodes.always_run, "always runs")}
    with workers_told(request.config.execution), listener.live():
        for result in run_nodes(compiled, only, uncached, gone, request.written, started):
            left = in_roles(result.id, result.outputs, nodes.roles)
            outputs.update({role: output for role, output in left.items() if final[role] == result.id})
            step = _step(result)
            record.steps.append(step)
            listener.finished(step)
            for notice in notices(left):
                listener.warn(notice)
            write_run(request.run_dir, record)


def _step(result: NodeResult) -> Step:
    return Step(
        id=result.id,
        state=result.state,
        seconds=round(result.seconds, 2),
        cached=result.state == "cached",
        reason=result.reason,
    )


def _keep_report(request: Request, record: RunRecord) -> None:
    """A copy in the run's own folder: artifacts may be cleared away."""
    if record.report:
        for name in (SHEET_FILE, DOUBTFUL_FILE):
            shutil.copy2(Path(record.report).with_name(name), request.run_dir)
        record.report = str(shutil.copy2(record.report, request.run_dir))


def _stage_schema(out: Path) -> Path:
    """A copy of the schema named by its contents: TFX's cache looks at the path alone."""
    text = SCHEMA.read_text(encoding="utf-8")
    staged = out / "schemas" / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.pbtxt"
    if not staged.exists():
        staged.parent.mkdir(exist_ok=True)
        write_text(staged, text)
    return staged
