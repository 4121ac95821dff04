"""What a server takes, and how it refuses the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Of one request, where nothing else is said."""

    bytes: int = 128 * 2**20
    """Of its body; in JSON an image takes four thirds of its file."""
    pixels: int = 100_000_000
    """Of an image."""
    seconds: float = 60.0
    """From its first byte to its answer."""
    at_once: int = 2
    """Requests that are worked on: one is read or written while the other is computed."""
    waiting: int = 16
    """Requests that wait for those."""


@dataclass
class Refusal(Exception):
    """A request that is not answered: why, and what to do, in a sentence."""

    status: int
    """413: too large; 422: not what is expected; 429: too many; 503: not in time."""
    sentence: str
    headers: Mapping[str, str] = field(default_factory=dict)
