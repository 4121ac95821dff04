"""What is told of all predictions together. Of each image a line is held, and no more."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from components.example_gen.samples import Reject
from components.files import replacing
from components.imaging.annotations.coco import joined
from components.imaging.annotations.lesions import write_csv
from components.predictions.records import Record, read_records
from components.task import Task

PREDICTIONS, REVIEW, REJECTS = "predictions.csv", "review.csv", "rejects.csv"
LESIONS, COCO = "lesions.csv", "coco.json"


def write_tables(out: Path, kinds: Sequence[str], task: Task, rejects: Sequence[Reject]) -> list[str]:
    """Writes them of all records of a folder; returns their names."""
    header = ["image", "output", "height", "width", *(f"pixels {name}" for name in task.classes), "confidence"]
    rows = [_row(record) for record in read_records(out)]
    _write(out / PREDICTIONS, _csv([header, *rows]))
    # Least sure first.
    _write(out / REVIEW, _csv([header, *sorted(rows, key=itemgetter(-1))]))
    _write(out / REJECTS, _csv([["image", "reason"], *((reject.source, reject.reason) for reject in rejects)]))
    names = [PREDICTIONS, REVIEW, REJECTS]
    if "lesions" in kinds:
        _write(out / LESIONS, _lesions(read_records(out)))
        names.append(LESIONS)
    if "coco" in kinds:
        _write(out / COCO, joined((record["coco"] for record in read_records(out)), task))
        names.append(COCO)
    return names


def _row(record: Record) -> tuple[Any, ...]:
    size = record["height"], record["width"]
    # The mask is the last of its files.
    return record["image"], record["files"][-1], *size, *record["pixels"].values(), record["confidence"]


def _csv(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    for row in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        yield line.getvalue()


def _lesions(records: Iterable[Record]) -> Iterator[str]:
    header = write_csv([])
    yield header
    for record in records:
        yield record["lesions"].removeprefix(header)


def _write(path: Path, parts: Iterable[str]) -> None:
    with replacing(path) as file:
        for part in parts:
            file.write(part.encode("utf-8", "surrogateescape"))
