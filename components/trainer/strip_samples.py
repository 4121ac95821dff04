"""Which validation images are watched over the epochs, and where in the batches they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

from components.imaging.geometry.placement import Placement
from components.imaging.truth.classes import IGNORE, present
from components.overlays import picture
from components.records.record import Header, Record
from components.records.sources import assembled
from components.records.tfexample import parse, parse_header, serialized_records

_MOST_TILES = 64
"""Of an image; where one has more, single tiles are watched."""

Slices = tuple[slice, slice]


class Sample:
    """An image with its truth, as they are shown, and what is predicted for it: whole, its tiles put together."""

    def __init__(self, title: str, record: Record, parts: dict[int, tuple[Slices, Slices]]) -> None:
        """`parts` are, by the number of a validation record, where it lies in the image, and what it shows of it."""
        self.title = title
        self.id = record.id
        self.image = picture(record.image)
        height, width = self.image.shape[:2]
        self._size = height, width
        self.truth = _fitted(record.mask, self._size)
        self._parts = parts
        self._predicted = np.zeros_like(record.mask)

    @property
    def predicted(self) -> np.ndarray:
        """Class indices of the size of `image`, uint8; where tiles overlap, those of the later one."""
        return _fitted(self._predicted, self._size)

    def wants(self, rows: range) -> bool:
        """Whether it shows one of the validation records of these numbers."""
        return any(row in rows for row in self._parts)

    def take(self, rows: range, classes: np.ndarray) -> None:
        """What is predicted for the validation records of these numbers: uint8 `(N, H, W)`."""
        for row, (there, own) in self._parts.items():
            if row in rows:
                self._predicted[there] = classes[row - rows.start][own]


def chosen_samples(files: Sequence[str]) -> list[Sample]:
    """Of validation images those with the smallest, the median and the largest foreground, and the first without any.

    Of images that are tiled all tiles are there. Equal ones stand in the order of their ids.
    """
    serialized = serialized_records(sorted(files))
    images = _images([parse_header(each) for each in serialized.as_numpy_iterator()])
    chosen = _chosen(
        {id: float(np.mean([header.foreground for header in rows.values()])) for id, rows in images.items()}
    )
    wanted = {row for id in chosen for row in images[id]}
    records = {row: parse(each) for row, each in enumerate(serialized.as_numpy_iterator()) if row in wanted}
    return [_sample(id, title, {row: records[row] for row in images[id]}) for id, title in chosen.items()]


def _images(headers: list[Header]) -> dict[str, dict[int, Header]]:
    """By id of a whole image, the numbers and headers of its records."""
    images: dict[str, dict[int, Header]] = defaultdict(dict)
    for row, header in enumerate(headers):
        images[header.derived_from or header.id][row] = header
    if max(map(len, images.values()), default=0) > _MOST_TILES:
        return {header.id: {row: header} for row, header in enumerate(headers)}
    return images


def _chosen(foreground: dict[str, float]) -> dict[str, str]:
    """Titles by id."""
    order = sorted(foreground, key=lambda id: (foreground[id], id))
    some = [id for id in order if foreground[id]]
    titles = {"smallest foreground": 0, "median foreground": (len(some) - 1) // 2, "largest foreground": len(some) - 1}
    chosen: dict[str, str] = {}
    for title, rank in titles.items():
        if some:
            chosen.setdefault(some[rank], title)
    return {**chosen, **dict.fromkeys(order[: len(order) > len(some)], "no foreground")}


def _sample(id: str, title: str, records: dict[int, Record]) -> Sample:
    rows, parts = list(records), list(records.values())
    if parts[0].moments is None or parts[0].id == id:
        everything = slice(None), slice(None)
        return Sample(title, parts[0], {rows[0]: (everything, everything)})
    places = [Placement.from_json(part.transform) for part in parts]
    return Sample(title, assembled(parts), {row: place.overlap() for row, place in zip(rows, places, strict=True)})


def _fitted(classes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Class indices at another size, of which a small lesion keeps a pixel."""
    if classes.shape == size:
        return classes
    if classes.shape[0] < size[0]:
        return cv2.resize(classes, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    fitted = np.zeros(size, np.uint8)
    for index in (*present(classes), IGNORE):
        pixels = np.where(classes == index, np.uint8(255), np.uint8(0))
        fitted[cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA) > 0] = index
    return fitted
