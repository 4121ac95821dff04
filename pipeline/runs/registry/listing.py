"""What is known of the versions of a serving folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.serving_dir import CHAMPION_FILE, champion_version, read_manifest, versions
from components.serving_papers import Manifest
from pipeline.runs.served import SERVING

_MEASURE = "dice"


def serving_folder(folder: Path) -> Path:
    """A serving folder: itself, or that of an output folder.

    Raises:
        UsageError: nothing was pushed there.
    """
    found = next((each for each in (folder, folder / SERVING) if (each / CHAMPION_FILE).is_file()), None)
    if found is None:
        raise UsageError(
            f"{folder}: holds no {CHAMPION_FILE}, so nothing was pushed there. Give the serving folder, or the output "
            "folder of runs"
        )
    return found


def listing(folder: Path) -> list[dict[str, Any]]:
    """A row per version, the newest first.

    Raises:
        UsageError: as `serving_folder`.
        BrokenState: the pointer or a manifest cannot be read.
    """
    serving = serving_folder(folder)
    champion = champion_version(serving)
    rows = [described(serving, version) for version in reversed(versions(serving))]
    withdrawn = read_manifest(serving, champion).get("withdrawn", []) if champion else []
    return [
        {**row, "champion": row["version"] == champion, "withdrawn": row["model_sha256"] in withdrawn} for row in rows
    ]


def manifest_of(folder: Path, version: str | None) -> Manifest:
    """The manifest of a version, without one of the champion.

    Raises:
        UsageError: as `serving_folder`, or there is no such version.
        BrokenState: it cannot be read.
    """
    serving = serving_folder(folder)
    chosen = version or champion_version(serving)
    if chosen is None or chosen not in versions(serving):
        raise UsageError(f"{serving}: has no version {chosen}. There are {', '.join(versions(serving)) or 'none'}")
    return read_manifest(serving, chosen)


def described(serving: Path, version: str) -> dict[str, Any]:
    """What the manifest of a version says of it, in short; None where it says nothing."""
    manifest: dict[str, Any] = {**read_manifest(serving, version)}
    score = manifest.get("metrics", {}).get(_MEASURE, {})
    return {
        "version": version,
        "pushed_at": manifest.get("pushed_at"),
        "recipe": manifest.get("recipe"),
        "run": manifest.get("run"),
        _MEASURE: score.get("mean") if isinstance(score, dict) else None,
        "replaces": manifest.get("replaces"),
        "copy_of": manifest.get("copy_of"),
        "model_sha256": manifest.get("model_sha256"),
    }
