"""Attributes of XML elements as numbers and points."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element

from components.imaging.files.unreadable import UnreadableImage
from components.imaging.truth.shapes import UnclearShape

_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(element: Element, name: str, default: float | None = None) -> float:
    """A finite one.

    Raises:
        UnclearShape: it is none, or is not there and has no default.
    """
    text = element.get(name)
    if text is None and default is not None:
        return default
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UnclearShape(f"{name} is {text!r}, expected a number")
    return value


def text(element: Element, name: str) -> str:
    """Of an attribute, without blanks around; empty where it is not there."""
    return (element.get(name) or "").strip()


def writable(text: str) -> str:
    """The text.

    Raises:
        UnreadableImage: it has a character that XML 1.0 cannot hold (2.2).
    """
    if found := _NO_CHARACTER.search(text):
        raise UnreadableImage(f"XML cannot hold the character {found[0]!a} of {text!a}: rename it")
    return text
