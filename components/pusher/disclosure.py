"""What of the data gate's papers goes with a version, which may be handed to others than those who have the data."""

from __future__ import annotations

from pathlib import Path

from components.artifacts import MADE_ANEW
from components.pusher.settings import Disclosure
from components.seen.prints import SIGNATURES_FILE, read_prints, write_prints
from components.serving_dir import SPLIT_REPORT_FILE


def disclose(papers: Path, folder: Path, asked: Disclosure) -> list[Path]:
    """The papers of a version, where they are not the data gate's own written into `folder`."""
    disclosed = [papers / SPLIT_REPORT_FILE]
    if asked.signatures == "full":
        disclosed.append(papers / SIGNATURES_FILE)
    elif asked.signatures == "coarse":
        write_prints(folder / SIGNATURES_FILE, read_prints(papers / SIGNATURES_FILE, MADE_ANEW).coarse)
        disclosed.append(folder / SIGNATURES_FILE)
    return disclosed
