"""How much of a file is decoded, and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from components.imaging.files.child import run_apart
from components.imaging.files.jpeg import SCAN, sizes
from components.imaging.files.magic import JPEG_MAGIC, PNG_MAGIC
from components.imaging.files.pnm import MAGIC as PNM_MAGIC

Given = ParamSpec("Given")
Found = TypeVar("Found")
Source = TypeVar("Source", bytes, Path)

_LIGHT, _LIGHT_OF_OTHERS = 2**20, 2**16
"""Bytes of a file that is decoded in place; deflate makes a thousand times as many of them. Of formats other than PNG
and JPEG each part of an image may have as many."""
_LIGHT_PIXELS = 2**22
_USUAL_SCANS = 32


class Limits(NamedTuple):
    """What one file may take: see `[data] max_megapixels` and `max_seconds`."""

    pixels: int = 100_000_000
    seconds: float = 60.0
    """Of the processor."""


LIMITS = Limits()


def decode_within(
    seconds: float,
    decode: Callable[Concatenate[Source, Given], Found],
    source: Source,
    *arguments: Given.args,
    **named: Given.kwargs,
) -> Found:
    """`decode(source, *arguments)`, in a process of its own where it may take long; of a file by its path it is the
    header alone that is decoded.

    Raises:
        UnreadableImage: it took longer than `seconds`, or its process was killed.
    """
    if seconds == math.inf or _is_light(source):
        return decode(source, *arguments, **named)
    # Which was started elsewhere, it may be.
    source = source.absolute() if isinstance(source, Path) else source
    return run_apart(seconds, decode, source, *arguments, **named)


def _is_light(source: bytes | Path) -> bool:
    """Whether it takes a second or two at most, whatever it holds."""
    if isinstance(source, Path):
        return source.stat().st_size <= _LIGHT
    return source[:2] in PNM_MAGIC or _is_light_content(source)


def _is_light_content(content: bytes) -> bool:
    if len(content) > _LIGHT:
        return False
    if content.startswith(PNG_MAGIC):
        return _pixels(content[16:20], content[20:24]) <= _LIGHT_PIXELS
    if content.startswith(JPEG_MAGIC):
        largest = max((size.width * size.height for size in sizes(content)), default=0)
        return largest <= _LIGHT_PIXELS and content.count(SCAN) <= _USUAL_SCANS
    return len(content) <= _LIGHT_OF_OTHERS


def _pixels(width: bytes, height: bytes) -> int:
    return int.from_bytes(width, "big") * int.from_bytes(height, "big")
