"""Tables of run lengths: a row for each mask, with the name of its image and pairs of a first pixel and a length.

Pixels are counted from 1 and down the columns. A row of no runs, or of `-1`, says that there is nothing on the image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from components.foreign import foreign
from components.imaging.annotations.content import Table
from components.imaging.annotations.document import AnnotatedImage, Format, annotated
from components.imaging.annotations.raster import raster
from components.imaging.annotations.rle import numbers
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import UnclearShape

_IMAGES = ("imageid", "image_id", "image", "filename", "file_name", "img_id", "id")
_RUNS = ("encodedpixels", "encoded_pixels", "rle_mask", "rle", "encoding")
_CLASSES = ("classid", "class_id", "class", "label")
_NOTHING = ("", "-1", "nan")


def read_run_lengths(content: Table, _stem: str) -> list[AnnotatedImage]:
    """The images with a mask for each of their rows, and where there is such a column its class.

    The size of an image is its file's.

    Raises:
        UnclearShape: a row without the name of an image.
    """
    image, runs, label = (_column(content.columns, names) for names in (_IMAGES, _RUNS, _CLASSES))
    rows: dict[str, list[tuple[str, Mapping[str, str]]]] = defaultdict(list)
    for line, row in content.rows:
        if not row.get(image):
            raise UnclearShape(f"line {line} has no {image}")
        rows[row[image]].append((f"line {line}", row))

    def read(row: Any) -> tuple[str, Outline]:
        return row.get(label, ""), raster(_lengths(row[runs]))

    return [
        annotated(name, [each for each in own if each[1].get(runs, "").lower() not in _NOTHING], read)
        for name, own in rows.items()
    ]


def _lengths(text: str) -> np.ndarray:
    """In turn outside and inside, int64 `(2n,)`."""
    with foreign(UnclearShape, f"{text[:40]!r} are no pairs of a first pixel and a length"):
        pairs = numbers(text).reshape(-1, 2)
    starts, lengths = pairs[np.argsort(pairs[:, 0], kind="stable")].T
    ends = starts - 1 + lengths
    outside = np.diff(starts - 1, prepend=0)
    outside[1:] -= lengths[:-1]
    if (lengths < 0).any() or (outside < 0).any() or ends.max() >= 2**34:
        raise UnclearShape(f"{text[:40]!r} are no runs from pixel 1 on, of which none begins before the last one's end")
    return np.stack([outside, lengths], axis=1).reshape(-1)


def _column(columns: Iterable[str], names: Iterable[str]) -> str:
    """The first of the names that is there; empty where none is."""
    there = {*columns}
    return next((name for name in names if name in there), "")


def _is_table_of_runs(content: Any) -> bool:
    return isinstance(content, Table) and all(_column(content.columns, names) for names in (_IMAGES, _RUNS))


FORMAT = Format(name="run_lengths", title="a table of run lengths", told=_is_table_of_runs, read=read_run_lengths)
