"""The serving folder: one folder per version, each with a `MANIFEST.json`; `CHAMPION.json` names the served one."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.files import read_json, write_json

CHAMPION_FILE = "CHAMPION.json"
MANIFEST_FILE = "MANIFEST.json"


def champion_version(serving: Path) -> str | None:
    """The version that is served now, or None where nothing has been pushed yet."""
    pointer = serving / CHAMPION_FILE
    return read_json(pointer)["version"] if pointer.is_file() else None


def read_manifest(serving: Path, version: str) -> dict[str, Any]:
    """What was known of a version when it was pushed."""
    return read_json(serving / version / MANIFEST_FILE)


def push(model: Path, serving: Path, manifest: Mapping[str, Any]) -> str:
    """Adds a version and makes it the champion; whenever this is interrupted, the old champion stays whole.

    The version is the time in whole seconds, or one more than the highest: TensorFlow Serving takes the highest.
    """
    serving.mkdir(parents=True, exist_ok=True)
    version = str(max([int(time.time()), *(int(name) + 1 for name in _versions(serving))]))
    # A name of its own: what a crash left behind must not be in the way.
    unfinished = Path(tempfile.mkdtemp(prefix=f".unfinished-{version}-", dir=serving))
    shutil.copytree(model, unfinished, dirs_exist_ok=True)
    write_json(unfinished / MANIFEST_FILE, {"version": version, **manifest})
    unfinished.rename(serving / version)
    write_json(serving / CHAMPION_FILE, {"version": version})
    return version


def model_sha256(model: Path) -> str:
    """SHA-256 over the names and contents of a model's files, the manifest left out."""
    digest = hashlib.sha256()
    for path in sorted(model.rglob("*")):
        if path.is_file() and path.name != MANIFEST_FILE:
            digest.update(path.relative_to(model).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _versions(serving: Path) -> list[str]:
    return [path.name for path in serving.iterdir() if path.is_dir() and path.name.isdigit()]
