"""Whatever stands in place of a table, a document, an archive or a paper: named within seconds, within memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from hostile.documents import ANYTHING, ARCHIVES, Maker
from hostile.measured import cost

from components.brief import REASON
from components.errors import MasklineError
from components.example_gen.listing import list_samples
from components.example_gen.samples import Reject
from components.example_gen.settings import DataSettings
from components.imaging.files.codecs import encode_png
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.one_hot import one_hot_channels, read_one_hot
from components.predictions.inputs import inputs_of
from components.predictions.parts import Parts
from components.seen.names import make_salt
from components.seen.prints import SIGNATURES_FILE, read_prints
from components.serving_dir import (
    CHAMPION_FILE,
    champion_version,
    exclusive,
)
from components.unpacked import unpacked
from pipeline.config.loader import load_config
from pipeline.runs.init.core import understood
from pipeline.runs.init.legend import named_classes
from pipeline.runs.record import RUN_FILE, read_run
from pipeline.schedule.ledger import LEDGER_FILE, Ledger, with_slots

SECONDS, MB = 6.0, 700.0
IMAGE = encode_png(np.arange(64, dtype=np.uint8).reshape(8, 8))
Reader = Callable[[Path], object]
"""Reads a folder, in which one file is hostile."""


def listed(layout: str, **more: Any) -> Reader:
    def read(root: Path) -> tuple[Reject, ...]:
        return list_samples(
            root, DataSettings.model_validate({"layout": layout, "height": 16, "width": 16, **more})
        ).rejects

    return read


def entered(path: Path) -> None:
    with unpacked(path):
        pass


def held(serving: Path) -> None:
    with exclusive(serving):
        pass


def rejected(path: Path) -> list[Reject]:
    return inputs_of([path], path / "out").not_read


READERS: Mapping[str, tuple[str, Reader]] = {
    "mias": ("Info.txt", listed("mias")),
    "via": ("shapes.csv", listed("via", images="images")),
    "sipakmed": ("im_Dyskeratotic/1_cyt01.dat", listed("sipakmed")),
    "bcss": ("annotations/1.json", listed("bcss", images="images")),
    "manifest.csv": ("manifest.csv", listed("manifest")),
    "manifest.toml": ("manifest.toml", listed("manifest")),
    "annotations.json": ("a.json", listed("annotations", table="a.json")),
    "annotations.xml": ("a.xml", listed("annotations")),
    "annotations.csv": ("a.csv", listed("annotations", table="a.csv")),
    "init": ("a.csv", lambda root: understood(root, ())),
    "init of a document": ("a.json", lambda root: understood(root, ())),
    "legend": ("classes.csv", named_classes),
    "predict on a folder": ("a.dcm", rejected),
    "predict on a table": ("a.csv", lambda root: inputs_of([root / "a.csv"], root / "out").not_read),
    "config": ("a.toml", lambda root: load_config(str(root / "a.toml"))),
    "run.json": (RUN_FILE, read_run),
    "ledger": (LEDGER_FILE, with_slots),
    "ledger of a schedule": (LEDGER_FILE, Ledger),
    "pointer": (CHAMPION_FILE, champion_version),
    "lock": (".lock", held),
    "salt": ("salt", lambda root: make_salt(root / "salt")),
    "part": ("p0.00000", lambda root: Parts(root, 512, 512).plane("p0", np.uint16).whole()),
    "signatures": (SIGNATURES_FILE, lambda root: read_prints(root / SIGNATURES_FILE, "Put it back.")),
}
UNPACKERS: Mapping[str, tuple[str, Reader]] = {
    "model": ("model.zip", lambda root: entered(root / "model.zip")),
    "one-hot mask": ("a.npz", lambda root: read_one_hot(root / "a.npz", 2, 2**20)),
    "classes of it": ("a.npz", lambda root: one_hot_channels(root / "a.npz")),
    "signatures": READERS["signatures"],
}
NAMED = (MasklineError, UnreadableImage, UnclearMask)


def outcome(read: Reader, root: Path) -> str:
    """Why it is refused, and each reject, all of them named."""
    try:
        found = read(root)
    except NAMED as error:
        return f"{type(error).__name__}: {error}"
    reasons = [each.reason for each in found if isinstance(each, Reject)] if isinstance(found, list | tuple) else []
    assert max(map(len, reasons), default=0) <= REASON
    return "; ".join(reasons[:3])


def replayed(folder: Path, make: Maker, place: str, read: Reader) -> str:
    """What becomes of a folder with one image and the hostile file at a place."""
    root = folder / "root"
    (root / place).parent.mkdir(parents=True)
    (folder / "made").mkdir()
    make(folder / "made").rename(root / place)
    (root / "images").mkdir(exist_ok=True)
    (root / "images/1.png").write_bytes(IMAGE)
    spent = cost(lambda: outcome(read, root))
    assert spent.seconds < SECONDS
    assert spent.mb < MB
    assert len(spent.outcome) < 2000 + 2 * len(str(root))
    assert not re.match(r"(?!Broken|Usage|NotLaidOut|Unclear|Unreadable|TooMany)\w+(Error|Exception): ", spent.outcome)
    return spent.outcome


def pairs() -> Iterator[ParameterSet]:
    """Of each reader all files; but a pipe, and one reader of each file, it takes minutes."""
    quick = {*product(("fifo",), READERS), *zip(ANYTHING, cycle(READERS), strict=False)}
    for pair in product(ANYTHING, READERS):
        yield pytest.param(*pair, marks=() if pair in quick else pytest.mark.slow)


@pytest.mark.parametrize(("made", "reader"), pairs())
def test_a_hostile_file_is_named_at_once(tmp_path: Path, made: str, reader: str) -> None:
    replayed(tmp_path, ANYTHING[made], *READERS[reader])


@pytest.mark.parametrize("unpacker", UNPACKERS)
@pytest.mark.parametrize("made", [*ARCHIVES, "fifo", "endless", "sparse", "noise"])
def test_no_more_comes_out_of_an_archive_than_it_may(tmp_path: Path, made: str, unpacker: str) -> None:
    replayed(tmp_path, {**ANYTHING, **ARCHIVES}[made], *UNPACKERS[unpacker])
