"""Versions of what takes part."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(*files: Path) -> str:
    """Of the contents of files."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
