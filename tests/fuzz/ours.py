"""Configs, and what Maskline has written itself: models, records of runs, predictions."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from components.errors import UsageError
from components.predictions.parts import Parts
from components.seen.known import learnt_by
from components.seen.prints import COARSE_SIDE, Prints, read_prints, write_prints
from components.serving_dir import champion_version, data_section, read_manifest, read_split_report
from components.unpacked import unpacked
from fuzz import formats
from fuzz.mutate import Change, lines, packed, words
from fuzz.reader import Reader
from fuzz.tables import toml_tree
from fuzz.trees import json_tree, members
from pipeline.config.loader import load_config, load_execution
from pipeline.runs.record import read_run
from pipeline.schedule.ledger import read_ledger

_ROOT = Path(__file__).parents[2]
_VERSION = "1700000000"
_RECORDS = [
    {"group": "p1", "split": "train", "source": "a.png", "sha256": "ab" * 32, "source_height": 10, "source_width": 12},
    {"group": "p2", "split": "test", "source": "b.png", "sha256": "cd" * 32, "foreground": 0.1, "mean": 1, "std": 2.0},
]
_REPORT = {"records": _RECORDS, "rejects": [{"source": "c.png", "kind": "unreadable"}], "without_records": ["d"]}
_REPORTS = [_REPORT, {**_REPORT, "salted": {"file": "salt", "mark": "ab"}}]
_DATA = {"adjust": {"colour_space": "rgb"}, "mask": {}, "tiles": None, "classes": ["a"]}
_MANIFESTS = [
    {"version": _VERSION, "config": {"data": _DATA}, "replaces": None, "engines": {"openvino": True}},
    {"version": _VERSION, "config": {"data": {}}, "model_sha256": "ab", "warm_starts": 1, "replaces": "1600000000"},
]
_LEDGER = [
    {"slot": "2026-11-29T17:00:00+00:00", "decision": "ran", "reason": "new data", "attempt": 1, "exit_code": 0},
    {"slot": "2026-11-30T17:00:00+01:00", "decision": "missed", "reason": "asleep", "reasons": ["a"]},
]


def _json(*found: Any) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(each).encode() for each in found]


def _recipes() -> list[bytes]:
    return [path.read_bytes() for path in sorted((_ROOT / "pipeline/recipes").glob("*.toml"))]


def _config(path: Path) -> None:
    load_config(str(path))


def _execution(path: Path) -> None:
    load_execution(str(path))


def _runs() -> list[bytes]:
    return _json(*json.loads((_ROOT / "tests/golden/runs.json").read_text()).values())()


def _run(path: Path) -> list[str]:
    record = read_run(path.parent)
    return [f"{scores.mean}{scores.title}" for scores in (record.scores, record.out_of_fold) if scores]


def _in_a_line(rng: Random, content: bytes) -> bytes:
    found = content.splitlines()
    at = rng.randrange(len(found))
    found[at] = json_tree(rng, found[at])
    return b"\n".join(found) + b"\n"


def _ledger(path: Path) -> None:
    read_ledger(path)


def _zips() -> list[bytes]:
    found = []
    for names in (["model/a.json", "model/b/c.txt"], ["a.json", "b.txt"]):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"{}" * 99, zipfile.ZIP_DEFLATED)
        found.append(file.getvalue())
    return found


def _unpack(path: Path) -> None:
    with unpacked(path, 100, 6_000_000) as folder:
        assert folder.is_dir()


def _signatures() -> list[bytes]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "signatures.npz"
        write_prints(path, Prints(["ab" * 32, "cd" * 32], np.ones((2, COARSE_SIDE, COARSE_SIDE), np.int8)))
        return [path.read_bytes()]


def _prints(path: Path) -> None:
    read_prints(path, "Copy it anew.")


def _pointed(path: Path) -> None:
    champion_version(path.parent)


def _served(path: Path) -> None:
    for read in (data_section, read_split_report, learnt_by, lambda folder: read_manifest(folder.parent, folder.name)):
        with suppress(UsageError):
            read(path.parent)


def _plane(path: Path) -> None:
    Parts(path.parent, 300, 200).plane("mask", np.uint8).whole()


def _reader(
    seeds: Callable[[], list[bytes]],
    read: Callable[[Path], object],
    name: str,
    *changes: Change,
    beside: dict[str, bytes] | None = None,
) -> Reader:
    return Reader(seeds, (read,), (UsageError,), changes, name, beside or {})


_BESIDE_REPORT = {f"{_VERSION}/MANIFEST.json": _json(_MANIFESTS[0])()[0]}
_BESIDE_MANIFEST = {f"{_VERSION}/split_report.json": _json(_REPORT)()[0]}
READERS = {
    "config": Reader(_recipes, (_config, _execution), (UsageError,), (toml_tree, toml_tree, words), "recipe.toml"),
    "model_zip": _reader(_zips, _unpack, "model.zip", members()),
    "run_record": _reader(_runs, _run, "demo/runs/20261129-173241/run.json", json_tree),
    "ledger": _reader(lambda: [b"\n".join(_json(*_LEDGER)())], _ledger, "schedule.jsonl", _in_a_line, lines),
    "parts": _reader(
        lambda: [zlib.compress(bytes(300 * 200))], _plane, "mask.00000", packed(zlib.decompress, zlib.compress, [])
    ),
    "pointer": _reader(_json({"version": _VERSION}), _pointed, "CHAMPION.json", json_tree, beside=_BESIDE_REPORT),
    "served_manifest": _reader(
        _json(*_MANIFESTS), _served, f"{_VERSION}/MANIFEST.json", json_tree, beside=_BESIDE_MANIFEST
    ),
    "split_report": _reader(
        _json(*_REPORTS), _served, f"{_VERSION}/split_report.json", json_tree, beside=_BESIDE_REPORT
    ),
    "signatures": _reader(_signatures, _prints, "signatures.npz", members(formats.npy_header)),
}
