"""What truth can be written as for other tools: see `components.imaging.annotations.target_registry`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.task import Task

Chunk = tuple[str, bytes]
"""A path below the folder that is written, and what goes on the end of that file."""


@dataclass(frozen=True)
class Labelled:
    """An image and its truth."""

    name: str
    """Its path below the folder of images, with `/` between its parts."""
    mask: np.ndarray
    """Class indices `(H, W)` uint8 at its size, 255 where it is not judged."""
    stem: str
    """What a file of its own is called, with `/`, without suffix: no other image has it."""
    place: str = ""
    """Its path from the folder that is written."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What else is known of it, by the columns of a manifest."""


@dataclass(frozen=True)
class Target:
    """A form, as `maskline convert --to` names it."""

    name: str
    draw: Callable[[Labelled, Task], Any]
    """What is written of an image; of several at once in threads.

    Raises:
        UnreadableImage: the form cannot hold it.
    """
    join: Callable[[Iterable[Any], Task], Iterator[Chunk]]
    """The files of what was drawn, which is taken one by one and not kept."""
    note: str
    """For people: what becomes of the truth, and what they do with the files."""
    keeps_ignored: bool = False
    """Whether it holds pixels that are not judged; else they are background."""


def listed(values: Iterable[str]) -> Iterator[str]:
    """The elements of a list in JSON, a line each."""
    for place, value in enumerate(values):
        yield f"{',' if place else ''}{value}\n"
