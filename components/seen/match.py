"""Which of a model's images an image is a copy of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from components.data_gate.near_duplicates import TURNS, find_near_duplicates, turned
from components.imaging.fingerprint import SIDE
from components.seen.names import AS_THEY_ARE, Names
from components.seen.prints import COARSE_SIDE, Prints, coarse
from components.seen.query import Query

_COARSELY_ALIKE = 0.94
"""Cosine of two coarse signatures from which one is a copy: unrelated films reach 0.934, see `benchmarks/seen.py`."""
_BLOCK = 1024

By = Literal["same pixels", "same pixels, flipped or turned", "near duplicate", "same group"]


class KnownImage(NamedTuple):
    """An image that a version was made of, in the words of its split report."""

    version: str
    split: str
    source: str
    group: str
    sha256: str


@dataclass(frozen=True)
class Known:
    """The images of one version."""

    images: Sequence[KnownImage]
    prints: Prints | None
    """None: only the same pixels are known."""
    names: Names | None = AS_THEY_ARE
    """As those of the images are written; None where they are salted and the salt is not here."""


@dataclass(frozen=True)
class Match:
    """An image of the model that the one asked for is a copy of."""

    image: KnownImage
    by: By
    similarity: float
    """Up to 1, of the pixels; 0 of the same group."""


def matches(queries: Sequence[Query], known: Known) -> list[list[Match]]:
    """For each query its matches, the most alike first, every image of the model once."""
    by_hash: dict[str, list[KnownImage]] = defaultdict(list)
    for image in known.images:
        by_hash[image.sha256].append(image)
    found = [_same(query, by_hash) for query in queries]
    for place, sha256, similarity in _alike(queries, known.prints) if known.prints else ():
        for image in by_hash.get(sha256, ()):
            found[place].setdefault(image, Match(image, "near duplicate", similarity))
    return [sorted(one.values(), key=lambda match: -match.similarity) for one in found]


def _same(query: Query, by_hash: dict[str, list[KnownImage]]) -> dict[KnownImage, Match]:
    same: dict[KnownImage, Match] = {}
    for turn, sha256 in enumerate(query.hashes):
        by: By = "same pixels, flipped or turned" if turn else "same pixels"
        for image in by_hash.get(sha256, ()):
            same.setdefault(image, Match(image, by, 1.0))
    return same


def _alike(queries: Sequence[Query], prints: Prints) -> list[tuple[int, str, float]]:
    """Place of the query, hash of the image, similarity; the most alike first."""
    owners = [place for place, query in enumerate(queries) for _ in query.signatures]
    signatures = [one for query in queries for one in query.signatures]
    pairs = _coarse_pairs(signatures, prints.values) if prints.is_coarse else _full_pairs(signatures, prints.values)
    alike = [(owners[one], prints.hashes[other], similarity) for one, other, similarity in pairs]
    return sorted(alike, key=lambda found: -found[2])


def _full_pairs(signatures: Sequence[bytes], known: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """As the data gate finds them: mildly warped copies, too."""
    count = len(signatures)
    splits = [0] * count + [1] * len(known)
    for pair in find_near_duplicates([*signatures, *(one.tobytes() for one in known)], splits):
        yield pair.first, pair.second - count, pair.similarity


def _coarse_pairs(signatures: Sequence[bytes], known: np.ndarray) -> Iterator[tuple[int, int, float]]:
    full = np.frombuffer(b"".join(signatures), np.int8).reshape(len(signatures), SIDE, SIDE)
    ours, theirs = _unit(coarse(full)), _unit(known).reshape(len(known), COARSE_SIDE**2).T
    for start in range(0, len(ours), _BLOCK):
        block = ours[start : start + _BLOCK]
        cosines = np.max([turned(block, turn).reshape(len(block), COARSE_SIDE**2) @ theirs for turn in TURNS], axis=0)
        for one, other in zip(*np.nonzero(cosines >= _COARSELY_ALIKE), strict=True):
            yield start + int(one), int(other), min(1.0, float(cosines[one, other]))


def _unit(values: np.ndarray) -> np.ndarray:
    """float32, each of norm 1, of zeros where there is no detail."""
    values = values.astype(np.float32)
    return values / np.maximum(np.linalg.norm(values, axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
