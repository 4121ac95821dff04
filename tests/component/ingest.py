"""Runs ImageMaskExampleGen on small folders, and reads back what it leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tfx.types import Artifact, standard_artifacts

from components.example_gen.executor import Executor
from components.example_gen.settings import DataSettings
from components.records.record import Record
from components.records.splits import SPLITS
from components.records.tfexample import parse, read_split

SIZE = (48, 64)
"""Height and width of the films below; records of this size hold the pixels of the files."""


@dataclass(frozen=True)
class Made:
    """What an ingestion left behind; records and splits by the id of the record."""

    examples: Artifact
    records: dict[str, Record]
    splits: dict[str, str]
    account: dict[str, Any]
    data: dict[str, Any]
    """The settings of `[data]`."""

    @property
    def rejects(self) -> dict[str, tuple[str, str]]:
        """Kind and reason by source."""
        return {reject["source"]: (reject["kind"], reject["reason"]) for reject in self.account["rejects"]}

    @property
    def groups(self) -> dict[str, str]:
        return {name: record.group for name, record in self.records.items()}

    @property
    def masks(self) -> dict[str, np.ndarray]:
        return {name: record.mask for name, record in self.records.items()}


def ingest(source: Path, folder: Path, beam: Sequence[str] = (), **data: Any) -> Made:
    """Runs the executor with the settings of `[data]`, size `SIZE` unless told otherwise."""
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    height, width = SIZE
    settings = DataSettings(**{"height": height, "width": width, **data})
    context = Executor.Context(beam_pipeline_args=list(beam))
    parameters = {"input_base": str(source), "held_out": "null", "settings": settings.model_dump_json()}
    Executor(context).Do({}, {"examples": [examples]}, parameters)
    return read(examples, settings)


def read(examples: Artifact, data: DataSettings) -> Made:
    """Every record in the files of the splits."""
    found = [(split, parse(item)) for split in SPLITS for item in read_split(examples.uri, split)]
    records = {record.id: record for _, record in found}
    assert len(records) == len(found), "two records of one id"
    splits = {record.id: split for split, record in found}
    return Made(examples, records, splits, json.loads((Path(examples.uri) / "account.json").read_text()), data)


def film(seed: int, height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    """A smooth random image with a little noise, `(H, W)` uint8; those of different seeds are not alike."""
    rng = np.random.default_rng(seed)
    cells = rng.uniform(20, 200, (height // 5, width // 5)).astype(np.float32)
    tissue = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    return (tissue + rng.uniform(0, 8, tissue.shape)).clip(0, 255).astype(np.uint8)


def box(top: int, left: int, bottom: int, right: int, value: int = 1, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A mask `(H, W)` uint8 that has a value in these rows and columns, the last ones excluded."""
    mask = np.zeros(size, np.uint8)
    mask[top:bottom, left:right] = value
    return mask


def save(path: Path, pixels: np.ndarray, *parameters: int) -> Path:
    """Writes an image file of the kind that its suffix names; RGB order, folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    assert cv2.imwrite(str(path), bgr, list(parameters))
    return path


def save_text(path: Path, text: str) -> Path:
    """Writes a text file; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
