"""Records as images are judged: whole, tiles put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby

import numpy as np

from components.imaging.geometry.placement import Placement
from components.records.record import Record
from components.records.tfexample import parse, parse_header, serialized_records, split_files


def read_sources(examples: str, split: str) -> Iterator[Record]:
    """The records of a split, those of tiles as one for each source, at the tiles' scale."""
    return chain.from_iterable(map(shard_sources, split_files(examples, split)))


def shard_sources(shard: str) -> Iterator[Record]:
    """As `read_sources`, of a single shard: in it all tiles of a source stand one after another."""
    records = map(parse, serialized_records(shard).as_numpy_iterator())
    for _, parts in groupby(records, key=lambda record: record.derived_from or record.id):
        yield assembled(list(parts))


def serialized_sources(examples: str, split: str) -> Iterator[list[bytes]]:
    """The records of each source, in the order of `read_sources`."""
    for shard in split_files(examples, split):
        records = serialized_records(shard).as_numpy_iterator()
        yield from (list(parts) for _, parts in groupby(records, key=_source_id))


def assembled(parts: Sequence[Record]) -> Record:
    """The record of a whole source of all its tiles; of a record that is none the record itself.

    Raises:
        ValueError: a tile is missing.
    """
    first = parts[0]
    if first.moments is None:
        [whole] = parts
        return whole
    place = _whole(first)
    image = np.zeros((place.height, place.width, *first.image.shape[2:]), first.image.dtype)
    mask, seen = np.zeros((place.height, place.width), np.uint8), np.zeros((place.height, place.width), bool)
    for part in parts:
        there, own = Placement.from_json(part.transform).overlap()
        image[there], mask[there], seen[there] = part.image[own], part.mask[own], True
    if not seen.all():
        raise ValueError(f"{first.source}: {len(parts)} tiles show {seen.mean():.0%} of it, expected all")
    transform = {**first.transform, **place.as_json()}
    return replace(first, id=first.derived_from, derived_from="", image=image, mask=mask, transform=transform)


def at_source_size(record: Record, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth `(H, W)` and probabilities float32 `(H, W, K)` of a record of `read_sources` at the size of its source.

    They have it already where tiles did not stretch the source. Whole images are judged at the size of their record.
    """
    if record.moments is None:
        return record.mask, probability
    place = _whole(record)
    return place.unplaced_mask(record.mask), place.unplaced(probability)


def judged_pixel(record: Record, unit: str) -> tuple[float, float] | None:
    """Height and width of a pixel as `at_source_size` gives them, in pixels of the source (`px`) or in millimetres
    (`mm`); None where these are not known."""
    own = (1.0, 1.0) if unit == "px" else record.spacing
    if own is None or record.moments is not None:
        return own
    place = Placement.from_json(record.transform)
    return own[0] * place.source_height / place.content_height, own[1] * place.source_width / place.content_width


def _source_id(serialized: bytes) -> str:
    header = parse_header(serialized)
    return header.derived_from or header.id


def _whole(record: Record) -> Placement:
    """The placement of a record that shows the whole content of which this one shows a part."""
    place = Placement.from_json(record.transform)
    return replace(place, top=0, left=0, height=place.content_height, width=place.content_width)
