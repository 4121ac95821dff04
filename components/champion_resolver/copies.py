"""What is served when a run begins, and what earlier runs have copied of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.serving_dir import MANIFEST_FILE, champion_version, content_sha256, read_paper
from components.serving_papers import Manifest
from components.state import BrokenState


def served_now(serving: Path, artifacts: Path) -> tuple[str, str]:
    """The version that is served and the digest of its files, by which a copy of it is found again; empty for none.

    Copies whose files are not those are removed, and so made anew: they were damaged, or the version has been mended.

    Args:
        serving: the serving folder.
        artifacts: the folder of the artifacts of all nodes, which no other run uses.

    Raises:
        UsageError: as `champion_version`.
    """
    version = champion_version(serving)
    if version is None:
        return "", ""
    content = content_sha256(serving / version)
    for copy in artifacts.glob("*ChampionResolver/champion/*/*"):
        if copy.is_dir() and _version(copy) in (version, None) and content_sha256(copy) != content:
            shutil.rmtree(copy.parent)
    return version, content


def _version(copy: Path) -> str | None:
    """None: its manifest does not tell."""
    try:
        return read_paper(copy / MANIFEST_FILE, Manifest)["version"]
    except BrokenState:
        return None
