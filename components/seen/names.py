"""Names of images and patients as a split report writes them: as they are, or hashed with a salt that stays at home."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from components.errors import UsageError
from components.reading import read_bytes
from components.serving_papers import SplitReport

_BYTES = 32
_DIGITS = 24
_MOST_BYTES = 1000


@dataclass(frozen=True)
class Names:
    """Writes names as a report has them: called with a name of today, it gives that of the report."""

    salt: bytes = field(default=b"", repr=False)
    """Empty: names stay as they are."""

    def __call__(self, name: str) -> str:
        return self._digest(name) if self.salt and name else name

    @property
    def mark(self) -> str:
        """By which a report tells which salt it has."""
        return self._digest("")

    def _digest(self, name: str) -> str:
        # HMAC: RFC 2104.
        content = name.encode("utf-8", "surrogateescape")
        return hmac.new(self.salt, content, hashlib.sha256).hexdigest()[:_DIGITS]


AS_THEY_ARE = Names()


def names_of(report: SplitReport) -> Names:
    """How a report writes names; where it has them salted, it tells the file of the salt.

    Raises:
        UsageError: the salt is not there, or another one.
    """
    salted = report.get("salted")
    if salted is None:
        return AS_THEY_ARE
    path = Path(salted["file"])
    names = Names(_read(path))
    if names.mark != salted["mark"]:
        raise UsageError(f"{path}: another salt than that of the served split_report.json. Put that one back.")
    return names


def make_salt(path: Path) -> Names:
    """The names by the salt in a file, which is made where it is missing.

    Raises:
        UsageError: it cannot be made or read, or is no salt.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
    except OSError as error:
        raise UsageError(
            f"{path}: the salt cannot be made: {error.strerror}. Choose another file: [serving] salt"
        ) from error
    return Names(_read(path))


def _make(path: Path) -> None:
    """Nobody else may read it, and of two that make it the first wins."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        temporary.touch(0o600)
        temporary.write_text(secrets.token_hex(_BYTES) + "\n", encoding="ascii")
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        salt = bytes.fromhex(read_bytes(path, _MOST_BYTES).decode("ascii"))
    except OSError as error:
        raise UsageError(
            f"{path}: the salt of the names in the served split_report.json cannot be read: {error.strerror}. Put it "
            "back, or delete CHAMPION.json to go on without a champion."
        ) from error
    except ValueError:
        salt = b""
    if len(salt) != _BYTES:
        raise UsageError(f"{path}: no salt: expected {2 * _BYTES} hexadecimal digits, as the first push made it.")
    return salt
