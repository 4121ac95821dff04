"""Attributes of XML elements as numbers and points."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from components.imaging.truth.shapes import UnclearShape


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
