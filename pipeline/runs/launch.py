"""From a config to a run: finds the data and the output folder, then hands over to the local runner.

Everything that can be wrong with the paths is found here, before TensorFlow is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from threading import Lock

from components.disk import full_disk_named
from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.memory import held_out
from components.files import locked
from components.inference.engines.registry import FORMS, refuse_missing
from components.pusher.disclosure import names_asked
from pipeline.config.data import Data
from pipeline.config.root import Config
from pipeline.config.serving import Serving
from pipeline.graph.beam import check_beam
from pipeline.runs.conclusion import conclusion
from pipeline.runs.console import RunConsole
from pipeline.runs.folders import DEFAULT_OUT, RUN_LOCK, new_run_dir
from pipeline.runs.laid_out import pointed_to_init
from pipeline.runs.listener import Progress, Teller
from pipeline.runs.phantoms.sets import NOTICE, write_phantoms
from pipeline.runs.plain_path import plain
from pipeline.runs.plan.core import as_planned
from pipeline.runs.plan.doubts import lesions_too_small
from pipeline.runs.quiet import quiet
from pipeline.runs.reading import reading_bar
from pipeline.runs.record import RunRecord, write_run
from pipeline.runs.request import Request
from pipeline.runs.served import SERVING
from pipeline.runs.store import STORE_FILE, check_store
from pipeline.runs.termination import graceful

LOG_FILE = "log.txt"
_ONE_RUN = Lock()
"""Of a process: environment and log are common to its threads."""


def launch(
    name: str,
    config: Config,
    data: Path | None,
    out: Path | None,
    from_node: str | None,
    to_node: str | None,
    silent: bool,
) -> RunRecord:
    """Runs a config as a process of its own and returns its record; prints its progress unless `silent`.

    What libraries print goes into the log, and SIGTERM ends the run after the current node.

    Raises:
        UsageError: as `prepared`, or there is no such node.
    """
    if (from_node or to_node) and config.model.planned:
        _check_limits(config, from_node, to_node)
    with prepared(name, config, data, out, from_node, to_node) as request:
        return _run_quietly(request, silent)


def run_here(config: Config, data: Path | None, out: Path, tell: Callable[[Progress], None]) -> RunRecord:
    """Runs a config within this process, which may be anyone's: its signals, output and environment stay its own.

    Training seeds the generators of Python, NumPy and TensorFlow, and leaves OpenCV and BLAS with one thread a call.
    The run has the name of the output folder.

    Raises:
        UsageError: as `prepared`, or another run is on in this process.
    """
    if not _ONE_RUN.acquire(blocking=False):
        raise UsageError(f"{out}: another run is on in this process. Wait for it to end, or start a process for each")
    try:
        with prepared(out.name, config, data, out) as request:
            from pipeline.runs.local import run

            return run(request, Teller(tell))
    finally:
        _ONE_RUN.release()


@contextmanager
def prepared(
    name: str,
    config: Config,
    data: Path | None,
    out: Path | None,
    from_node: str | None = None,
    to_node: str | None = None,
) -> Iterator[Request]:
    """What to run, with all its folders; no other run uses the output folder meanwhile.

    Raises:
        UsageError: there are no data, the output folder cannot be written, or what is cached there not be told.
        OpenQuestions: a person must say first what the data mean.
        DiskFull: also of what is done within.
    """
    config.data.refuse_questions()
    out = output_folder(name, out)
    with full_disk_named(out, Path(gettempdir())), _exclusive(out):
        check_store(out / STORE_FILE)
        for form in config.serving.engines:
            refuse_missing(FORMS[form][0], converts=True)
        source, notice = source_folder(config.data, data, out / "data")
        if out.is_relative_to(source):
            raise UsageError(f"{out}: the output folder lies in the data folder. Choose another: --out DIR")
        serving = serving_folder(config.serving, out)
        with pointed_to_init(source):
            with reading_bar("Planning") as watch:
                config, planned = as_planned(config, source, watch)
            list_samples(source, config.records, held_out(source, config.records, serving))
        # Before the training: after it, it would be late for a salt that cannot be made.
        names_asked(config.serving, serving)
        check_beam(config.execution, {"data folder": source, "output folder": out})
        if (from_node or to_node) and planned:
            _check_limits(config, from_node, to_node)
        run_dir = new_run_dir(out)
        # Before the seconds of the imports: a run that dies there must be seen as well.
        write_run(run_dir, RunRecord.begun(run_dir, name))
        plan = planned.choices if planned else ()
        doubts = [*lesions_too_small(config, planned.seen)] if planned else []
        yield Request(name, config, source, notice, out, serving, run_dir, from_node, to_node, plan, doubts)


def _check_limits(config: Config, from_node: str | None, to_node: str | None) -> None:
    """Costs the seconds of TFX's import, but only where a run is limited to some nodes, and before it has a folder."""
    with quiet(Path(os.devnull)):
        from pipeline.graph.pipeline import nodes_of

        nodes = nodes_of(config)
    nodes.check(filter(None, (from_node, to_node)))
    order = list(nodes.traits)
    if from_node and to_node and order.index(from_node) > order.index(to_node):
        raise UsageError(f"--from {from_node} --to {to_node}: {to_node} comes first, so nothing would run again")


def _run_quietly(request: Request, silent: bool) -> RunRecord:
    log = request.run_dir / LOG_FILE
    with quiet(log) as terminal, graceful() as before:
        console = RunConsole(terminal, silent)
        console.say(f"{request.name}: run {request.run_dir.name}, data {request.data}, log {log}")
        if request.notice:
            console.say(request.notice)
        for doubtful in request.doubts:
            console.warn(doubtful)
        for choice in request.plan:
            console.say(f"auto: {choice.told}: {choice.why}")
        # The import takes seconds, and what it prints belongs into the log.
        from pipeline.runs.local import run

        record = run(request, console, before)
        for line in conclusion(record):
            console.say(line)
    return record


def output_folder(name: str, out: Path | None) -> Path:
    """The output folder of a recipe, made where it is missing.

    Raises:
        UsageError: it cannot be written, or has characters in its path that TFX reads as a pattern.
    """
    return _writable(plain(out or DEFAULT_OUT / name))


def serving_folder(serving: Serving, out: Path) -> Path:
    """The serving folder of an output folder; raises as `output_folder`."""
    return _writable(plain(Path(serving.destination or out / SERVING)))


def _writable(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(
            f"{out}: the folder cannot be written: {error.strerror}. Choose another (--out, [serving] destination)"
        ) from error
    return out


@contextmanager
def _exclusive(out: Path) -> Iterator[None]:
    """The metadata store takes one writer."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(out / RUN_LOCK, wait=False))
        except BlockingIOError:
            raise UsageError(
                f"{out}: another run uses this output folder. Wait for it to end, or choose another: --out DIR"
            ) from None
        except OSError as error:
            raise UsageError(
                f"{out / RUN_LOCK}: cannot be locked: {error.strerror}. Make it yours, or choose another: --out DIR"
            ) from error
        yield


def source_folder(settings: Data, data: Path | None, phantoms: Path) -> tuple[Path, str]:
    """The folder with the images, and what must be said of them; phantoms are written where there are no others.

    Raises:
        UsageError: there are no data, or their path has characters that TFX reads as a pattern.
    """
    if data is None and settings.input:
        data = Path(settings.input)
    if data is not None:
        return plain(data), settings.notice
    if settings.phantoms is None:
        raise UsageError("no data: give the folder with the images, --data DIR, or set [data] input")
    write_phantoms(phantoms, **settings.phantoms.model_dump())
    return phantoms, f"{NOTICE} {settings.notice}".strip()
