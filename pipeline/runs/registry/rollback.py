"""An earlier version is served again, as a new version."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.disk import ask_room, folder_size
from components.errors import UsageError
from components.serving_dir import champion_version, exclusive, read_manifest, versions
from components.serving_papers import Manifest
from components.serving_push import push_again
from pipeline.runs.registry.listing import described, manifest_of, serving_folder


def rollback(folder: Path, to: str | None) -> dict[str, Any]:
    """Serves version `to` again, without it what the champion has replaced; what was rolled back is not pushed again.

    Raises:
        UsageError: there is no such version, or it is served already.
        BrokenState: it is not what was pushed.
    """
    serving = serving_folder(folder)
    with exclusive(serving):
        champion = champion_version(serving)
        if champion is None:
            raise UsageError(f"{serving}: nothing is served, so nothing can be rolled back")
        served = read_manifest(serving, champion)
        chosen = to or _before(serving, served)
        target = manifest_of(serving, chosen)
        if chosen == champion or target.get("model_sha256") == served.get("model_sha256") is not None:
            raise UsageError(f"{serving}: the model of version {chosen} is served already, as version {champion}")
        from components.weights import check_weights  # TensorFlow, only where there is something to check

        check_weights(serving / chosen)
        ask_room(serving, folder_size(serving / chosen), f"the copy of version {chosen}")
        # What it has replaced stays: by that it tells from which weights a warm start went on.
        changes = {
            "pushed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "copy_of": target.get("copy_of", chosen),
            "withdrawn": _withdrawn(served, target),
        }
        version = push_again(serving, chosen, changes)
    return {"serving": str(serving), "rolled_back": champion, **described(serving, version)}


def _before(serving: Path, served: Manifest) -> str:
    """What the champion has replaced, or the version that it is a copy of: going back twice goes further back."""
    if not (before := served.get("replaces")):
        raise UsageError(
            f"{serving}: version {served['version']} is the first, or does not say what it replaced: name another by "
            f"--to. There are {', '.join(versions(serving))}"
        )
    return before


def _withdrawn(served: Manifest, target: Manifest) -> list[str]:
    before = {*served.get("withdrawn", []), *filter(None, [served.get("model_sha256")])}
    return sorted(before - {target.get("model_sha256")})
