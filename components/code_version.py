"""A hash of a component's source and libraries: TFX reuses results by class path, whatever the class does by now."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).parent
_LIBRARIES = (
    *("numpy", "opencv-python-headless", "pillow", "pydicom", "scipy", "scikit-learn"),
    *("tensorflow", "keras", "apache-beam", "tfx"),
)


def code_version(package: str, root: Path = _ROOT) -> str:
    """First 12 hex digits of the SHA-256 over the component's files, the code that components share and the
    versions of the libraries that make the numbers; of an empty name, over the files of all components."""
    shared = [*root.glob("*.py"), *(root / "imaging").rglob("*.py")]
    own = [path for path in (root / package).rglob("*") if path.suffix in {".py", ".j2", ".css"}]
    digest = hashlib.sha256(repr([(name, version(name)) for name in _LIBRARIES]).encode())
    for path in sorted({*shared, *own}):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
