"""What is kept of each prediction beside its files: by it a killed command goes on, and the tables are made.

A record is the last file that is written of an image, so that where one is, all is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired

from typing_extensions import TypedDict

from components.files import replacing, write_json
from components.imaging.annotations.coco import write_coco
from components.imaging.annotations.lesions import write_csv
from components.predictions.answer import Answer
from components.predictions.inputs import Given
from components.predictions.outputs import FILES, Manner
from components.predictions.sources import REMEDY, Source, refuse_other, source_of
from components.state import read_state

RECORDS = "records"
TABLES = ("coco", "lesions")
"""Kinds of output that are one file over all images."""


class Record(TypedDict):
    """`records/NAME.json`."""

    image: str
    """As it was given."""
    source: Source
    files: list[str]
    height: int
    width: int
    pixels: dict[str, int]
    confidence: float
    coco: NotRequired[dict[str, Any]]
    """The document of this image."""
    lesions: NotRequired[str]
    """The table of this image, with its header."""


def record_path(out: Path, given: Given) -> Path:
    return out / RECORDS / f"{given.name}.json"


def is_whole(out: Path, given: Given) -> bool:
    """Whether all that is written of an image is there.

    Raises:
        UsageError: what is there is of another image, or of another content.
    """
    path = record_path(out, given)
    if not path.is_file():
        return False
    record = read_record(path)
    refuse_other(path, record["source"], given)
    return all((out / name).is_file() for name in record["files"])


def keep(out: Path, answer: Answer, manner: Manner) -> None:
    """Writes all that is asked for of an image, or nothing.

    Raises:
        UnreadableImage: its DICOM file is none that a segmentation can refer to.
    """
    given, kinds = answer.given, manner.kinds
    files = {name: content for kind in FILES if kind in kinds for name, content in FILES[kind](answer, manner)}
    record: Record = {
        "image": given.told,
        "source": source_of(given),
        "files": list(files),
        "height": answer.mask.height,
        "width": answer.mask.width,
        "pixels": answer.pixels,
        "confidence": round(answer.confidence, 4),
    }
    if "coco" in kinds:
        record["coco"] = write_coco([(given.file, answer.regions)], answer.task)
    if "lesions" in kinds:
        record["lesions"] = write_csv((given.file, lesion) for lesion in answer.lesions)
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        with replacing(out / name) as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
    path = record_path(out, given)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def read_record(path: Path) -> Record:
    return read_state(path, Record, REMEDY)


def read_records(out: Path) -> Iterator[Record]:
    """Of all images, by their names."""
    return map(read_record, sorted((out / RECORDS).rglob("*.json")))
