"""How much of a file is decoded, and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from components.imaging.files.child import run_apart

Given = ParamSpec("Given")
Found = TypeVar("Found")

_LIGHT = 2**20
"""Bytes that unpack to a gigabyte at most, which takes some seconds."""
SCAN = b"\xff\xda"
_USUAL_SCANS = 32


class Limits(NamedTuple):
    """What one file may take: see `[data] max_megapixels` and `max_seconds`."""

    pixels: int = 100_000_000
    seconds: float = 60
    """Of the processor."""


LIMITS = Limits()


def decode_within(
    seconds: float,
    decode: Callable[Concatenate[bytes, Given], Found],
    content: bytes,
    *arguments: Given.args,
    **named: Given.kwargs,
) -> Found:
    """`decode(content, *arguments)`, in a process of its own where it may take long.

    Raises:
        UnreadableImage: it took longer than `seconds`, or its process was killed.
    """
    is_light = len(content) <= _LIGHT and content.count(SCAN) <= _USUAL_SCANS
    if is_light or seconds == math.inf:
        return decode(content, *arguments, **named)
    return run_apart(seconds, decode, content, *arguments, **named)
