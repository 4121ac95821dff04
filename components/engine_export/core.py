"""A model converted to faster engines, and whether its masks are as good."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from components.artifacts import ENGINES_FILE, Engines, Verdict
from components.disk import full_disk_named
from components.engine_export.measured import Cases, Served, changes, processor_time
from components.errors import UsageError
from components.files import write_json
from components.imaging.files.codecs import as_float
from components.inference.engines.engine import Asked
from components.inference.engines.faults import engine_named
from components.inference.engines.frozen import frozen
from components.inference.engines.offered import FORMS_FOLDER, form_folder, keep_verdict, verdicts
from components.inference.engines.registry import FORMS, engine_module, form_named
from components.measures.agreement import MARGIN, agreement
from components.measures.overlap import DICE
from components.records.record import Record
from components.records.tfexample import parse, read_split, record_count
from components.serving_dir import content_sha256
from components.state import BrokenState

_SAMPLES = 64
"""Windows by which int8 finds its ranges, at most."""
_BATCH = 4


def export_forms(model: Served, forms: Sequence[str], cases: Cases, out: Path) -> None:
    """Writes `engines.json` and, of each form that is offered, `engines/FORM`: what belongs into the model's own
    `assets.extra`, which stays as it is.

    A form that cannot be made or asked is refused for that, and the next has its turn. What the machine lacks is no
    verdict, and ends it all.

    Raises:
        BrokenState: the model or the records cannot be read.
        DiskFull, OSError, MemoryError: there is no room, no memory, or a file cannot be read or written.
    """
    with TemporaryDirectory(dir=out) as folder:
        # Of links: forms are made within the folder of a model.
        linked = Path(shutil.copytree(model.folder.absolute(), Path(folder) / "model", copy_function=os.symlink))
        _add_forms(replace(model, folder=linked), forms, cases)
        found = verdicts(linked)
        for form in (form for form in forms if found[form]["offered"]):
            (out / FORMS_FOLDER).mkdir(exist_ok=True)
            form_folder(linked, form).rename(out / FORMS_FOLDER / form)
        write_json(out / ENGINES_FILE, Engines(engines={**found}))


def _add_forms(served: Served, forms: Sequence[str], cases: Cases) -> None:
    for form in forms:
        engine, precision = FORMS[form]
        try:
            add_form(served, engine, precision, cases)
        except BrokenState:
            raise
        except UsageError as error:
            shutil.rmtree(form_folder(served.folder, form), ignore_errors=True)
            keep_verdict(served.folder, form, _refused(engine, precision, str(error)))


def add_form(served: Served, engine: str, precision: str, cases: Cases, margin: float = MARGIN) -> Verdict:
    """Converts a model within its folder and measures the form; it is kept where it agrees, the verdict always.

    Args:
        served: the model.
        engine: of `ENGINES`.
        precision: in which it computes.
        cases: what the form is made and judged by.
        margin: by how much the mean Dice may change.

    Raises:
        UsageError: there is no such engine, it is not installed, the model cannot be converted to it, or what it was
            converted to does not answer.
        BrokenState, DiskFull, OSError, MemoryError: as `export_forms`.
    """
    form, module = form_named(engine, precision), engine_module(engine, converts=True)
    samples, folder = _samples(cases), form_folder(served.folder, form)
    if not samples:
        raise UsageError(f"{cases.examples}: holds no training records, by which {form} could be made")
    shutil.rmtree(folder, ignore_errors=True)
    with engine_named(f"{form}: the model cannot be converted to it"), full_disk_named(served.folder):
        module.convert(frozen(served.folder), folder, precision, samples)
    return judge_form(served, engine, precision, cases, samples, margin)


def judge_form(
    served: Served, engine: str, precision: str, cases: Cases, samples: Sequence[Asked], margin: float
) -> Verdict:
    """As `add_form`, of what lies in its folder already."""
    form = form_named(engine, precision)
    folder = form_folder(served.folder, form)
    verdict = _refused(engine, precision, "not measured yet", content_sha256(folder))
    keep_verdict(served.folder, form, verdict)
    found_changes, groups, largest = changes(served, form, cases)
    time_taken = processor_time(served, form, samples[:_BATCH])
    found = agreement(found_changes, groups, margin)
    told = {"measure": DICE.name, "splits": [*cases.judged], "largest_change_of_probability": largest}
    told |= {
        **found.numbers(),
        "made_by": {"splits": [*cases.learnt], "windows": sum(len(each.images) for each in samples)},
    }
    verdict |= {"offered": found.agrees, "reason": found.reason, "processor_time": time_taken, "measured": told}
    if not found.agrees:
        shutil.rmtree(folder)
    keep_verdict(served.folder, form, verdict)
    return verdict


def _refused(engine: str, precision: str, reason: str, sha256: str = "") -> Verdict:
    """Before anything is measured."""
    return Verdict(
        engine=engine,
        precision=precision,
        offered=False,
        reason=reason,
        processor_time=1.0,
        sha256=sha256,
        measured={},
    )


def _samples(cases: Cases) -> list[Asked]:
    """Windows of records that were trained on, evenly chosen, one at a time."""
    with cases.readable():
        count = sum(record_count(cases.examples, split) for split in cases.learnt)
        records = (each for split in cases.learnt for each in read_split(cases.examples, split))
        return [_window(parse(each)) for each in islice(records, 0, None, max(1, -(-count // _SAMPLES)))]


def _window(record: Record) -> Asked:
    image = as_float(record.image)
    return Asked(image.reshape(1, *image.shape[:2], -1), np.array([record.moments or record.intensity], np.float32))
