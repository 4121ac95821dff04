"""Salted ids for what is handed on of a run or of its model, and what they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.evaluator.per_case import Case
from components.example_gen.samples import Reject
from components.files import write_json
from components.predictions.inputs import Given
from components.pusher.disclosure import names_for_others
from components.seen.hiding import Hiding
from components.seen.names import Names, names_of
from components.serving_dir import CHAMPION_FILE, read_split_report
from pipeline.runs.folders import output_of
from pipeline.runs.record import RunRecord
from pipeline.runs.served import SERVING

NAMES_FILE = "names.json"
"""In the folder of a run, which stays at home."""


def names_of_run(record: RunRecord) -> Names:
    """Ids for the names of a run.

    Raises:
        UsageError: the salt cannot be made or read, is none, or would lie with the models.
    """
    serving = record.config.get("serving", {}).get("destination") or output_of(record) / SERVING
    return names_for_others(Path(serving).resolve(), record.config)


def names_of_version(version: Path) -> Names:
    """Ids for the names of images that a served version is asked about: those of the run that has pushed it. Where its
    split report has ids already, by that salt and no other; nothing is written where a model's papers say.

    Raises:
        UsageError: it stands in no serving folder; its salt is lost, or another one.
    """
    report, serving = read_split_report(version), version.resolve().parent
    if report and "salted" in report:
        return names_of(report)
    if not (serving / CHAMPION_FILE).is_file():
        raise UsageError(
            f"--anonymous: {version} stands in no serving folder, beside which the salt of ids is. Give "
            "the folder of a version there"
        )
    return names_for_others(serving, {})


def write_names(record: RunRecord, hiding: Hiding) -> None:
    """Writes `names.json` into the run's folder: of each id the name that it stands for."""
    write_json(Path(record.folder or "") / NAMES_FILE, {id: name for name, id in sorted(hiding.known.items())})


def hidden_images(images: Sequence[Given], names: Names) -> list[Given]:
    """In the order of their ids, by which all is called that is written of them."""
    hidden = [replace(image, file=names(image.file), hidden=True) for image in images]
    return sorted(hidden, key=lambda image: image.file)


def hidden_rejects(rejects: Sequence[Reject], images: Sequence[Given]) -> list[Reject]:
    """By their kind alone: more can stand in a reason than names that are known."""
    files = {str(image.path): image.file for image in images}
    return [Reject(files[reject.source], reject.kind, reject.kind) for reject in rejects]


def hidden(
    cases: Sequence[Case], found: Mapping[str, Any], told: Mapping[str, Any], names: Names
) -> tuple[list[Case], dict[str, Any], dict[str, Any]]:
    """What `evaluate` writes, with ids: the cases, their metrics, and what is told of all images."""
    tables = {key: told[key] for key in ("rejects", "left_out", "seen")}
    without = [row["source"] for key in ("rejects", "left_out") for row in tables[key]]
    hiding = Hiding.of(
        names,
        (text for case in cases for text in (case.id, case.group)),
        [*(case.source for case in cases), *without],
        found["slices"],
    )
    where = {key: names(told[key]) for key in ("model", "data")}
    rows = {key: [*map(hiding.row, table)] for key, table in tables.items()}
    cases = [replace(case, **hiding.identity(case)) for case in cases]
    return cases, hiding.whole(found), {**told, **where, **rows}
