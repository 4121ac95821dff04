"""Finds images that are copies of one another up to flips, right angles, mild warps and re-encoding.

Coarse descriptors of all images are compared, in blocks, and the most alike images again, piece by piece. Memory is
the index (the signatures and 1 KiB per image) and one block, whatever is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from components.imaging.fingerprint import SIDE, SIGNATURE_BYTES

_GRID = 16  # side of a coarse descriptor
_COARSE = 0.5  # cosine of two descriptors from which the images are compared piece by piece
_ALIKE = 0.64  # similarity from which they are near duplicates: unrelated films reach 0.57, copies keep 0.72
_BLOCK = 1024  # images compared with as many at a time
_PIECE = 8  # side of a piece, signature pixels
_PIECES = SIDE // _PIECE
_REACH = 2  # signature pixels that a piece may have moved: 3 % of the side of the content
TURNS = tuple((mirrored, turns) for mirrored in (False, True) for turns in range(4))
"""The eight ways in which a flipped or turned copy may lie."""


class Pair(NamedTuple):
    """Positions of two near duplicates in the list of signatures, and how alike they are, up to 1."""

    first: int
    second: int
    similarity: float


def find_near_duplicates(
    signatures: Sequence[bytes], splits: Sequence[int] | None = None, *, limit: int = 8
) -> Iterator[Pair]:
    """Pairs of near duplicates, `first < second`, none twice.

    Of each image only the `limit` most alike of the images after it are looked at, in the order of the splits, so
    that time and result stay bounded where thousands of images are the same. A set of more copies than that is
    named by some of its pairs, not by all.

    A candidate within rounding error of the coarse threshold may depend on the number of threads of the matrix
    product; the similarity of a pair does not.

    Args:
        signatures: from `components.imaging.fingerprint.signature`; one without detail is in no pair.
        splits: a number per image: only pairs across splits are looked for. None: all pairs.
        limit: partners per image.

    Raises:
        ValueError: a signature has the wrong length, or there are more or fewer splits than signatures.
    """
    for place, one in enumerate(signatures):
        if len(one) != SIGNATURE_BYTES:
            raise ValueError(f"signature {place} has {len(one)} bytes, expected {SIGNATURE_BYTES}: derive it again")
    if splits is not None and len(splits) != len(signatures):
        raise ValueError(f"{len(splits)} splits for {len(signatures)} signatures, expected one for each")
    details = np.frombuffer(b"".join(signatures), np.int8).reshape(-1, SIDE, SIDE)
    labels = np.arange(len(details)) if splits is None else np.asarray(splits)
    order = np.argsort(labels, kind="stable")
    labels = labels[order]
    coarse = np.empty((len(order), _GRID, _GRID), np.float32)
    for start in range(0, len(order), _BLOCK):
        coarse[start : start + _BLOCK] = _descriptors(details[order[start : start + _BLOCK]])
    for start in range(0, len(order), _BLOCK):
        values, partners = _closest(coarse, labels, start, limit)
        rows, ranks = np.nonzero(values >= _COARSE)
        ones, others = start + rows, partners[rows, ranks]
        for one, other, turn in zip(order[ones], order[others], _best_turns(coarse[ones], coarse[others]), strict=True):
            similarity = _similarity(details[one], turned(details[other], TURNS[turn]))
            if similarity >= _ALIKE:
                yield Pair(int(min(one, other)), int(max(one, other)), similarity)


def _closest(coarse: np.ndarray, labels: np.ndarray, start: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """For a block of images, the cosines and places of the closest later ones of other labels (sorted labels)."""
    rows = np.arange(start, min(start + _BLOCK, len(coarse)))
    # Contiguous: a view with negative strides is multiplied without BLAS, 25 times slower.
    ways = [np.ascontiguousarray(turned(coarse[rows], turn)).reshape(len(rows), -1) for turn in TURNS]
    values = np.full((len(rows), limit), -1, np.float32)
    partners = np.zeros((len(rows), limit), np.intp)
    for at in range(start, len(coarse), _BLOCK):
        columns = np.arange(at, min(at + _BLOCK, len(coarse)))
        if labels[rows[0]] == labels[columns[-1]]:
            continue
        others = coarse[columns].reshape(len(columns), -1).T
        best = ways[0] @ others
        for one in ways[1:]:
            np.maximum(best, one @ others, out=best)
        if labels[rows[-1]] >= labels[columns[0]]:  # else all differ: the labels are sorted
            best[labels[rows, None] >= labels[columns]] = -1
        hit = np.flatnonzero(best.max(1) >= _COARSE)
        top = np.argpartition(best[hit], -min(limit, len(columns)), axis=1)[:, -limit:]
        merged = np.hstack([values[hit], np.take_along_axis(best[hit], top, 1)])
        places = np.hstack([partners[hit], columns[top]])
        keep = np.argsort(-merged, axis=1, kind="stable")[:, :limit]
        values[hit], partners[hit] = np.take_along_axis(merged, keep, 1), np.take_along_axis(places, keep, 1)
    return values, partners


def _best_turns(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For pairs of descriptors, the number of the turn of the other after which they are most alike."""
    return np.argmax([np.einsum("nij,nij->n", ones, turned(others, turn)) for turn in TURNS], axis=0)


def _descriptors(details: np.ndarray) -> np.ndarray:
    """`(n, 64, 64)` signatures to `(n, 16, 16)` of unit norm, of zeros without details."""
    step = SIDE // _GRID
    means = details.reshape(-1, _GRID, step, _GRID, step).mean((2, 4), dtype=np.float32)
    return means / (np.linalg.norm(means, axis=(1, 2), keepdims=True) + np.finfo(np.float32).tiny)


def turned(images: np.ndarray, turn: tuple[bool, int]) -> np.ndarray:
    """`(..., n, n)` mirrored or not, then by quarter turns."""
    mirrored, turns = turn
    return np.rot90(images[..., ::-1] if mirrored else images, turns, axes=(-2, -1))


def _similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Normalised correlation of the pieces of two signatures in the worse half, each where it fits best; -1 to 1.

    The worse half, because a few pieces fit any image of the same kind. Pieces count by their contrast.
    """
    pieces = one.astype(np.float32).reshape(_PIECES, _PIECE, _PIECES, _PIECE)
    pieces -= pieces.mean((1, 3), keepdims=True)
    contrast = np.sqrt(np.square(pieces).mean((1, 3)))
    padded = np.pad(other.astype(np.float32), _REACH)
    contrasts = contrast * _piece_contrasts(padded)
    windows = sliding_window_view(padded, (SIDE, SIDE))
    products = np.stack([_piece_means(row * pieces.reshape(SIDE, SIDE)) for row in windows])
    fit = (products / np.maximum(contrasts, 1)).max((0, 1)).ravel()
    weight = np.sqrt(contrasts[_REACH, _REACH]).ravel() + np.finfo(np.float32).tiny
    worst = np.argsort(fit, kind="stable")
    share = np.cumsum(weight[worst])
    worse = worst[: 1 + np.searchsorted(share, share[-1] / 2)]
    return float(np.average(fit[worse], weights=weight[worse]))


def _piece_means(images: np.ndarray) -> np.ndarray:
    """`(n, 64, 64)` to `(n, 8, 8)`."""
    rows = images.reshape(-1, SIDE)
    means = cv2.resize(rows, (_PIECES, len(rows) // _PIECE), interpolation=cv2.INTER_AREA)
    return means.reshape(-1, _PIECES, _PIECES)


def _piece_contrasts(padded: np.ndarray) -> np.ndarray:
    """Standard deviations within the pieces of every window of 64 x 64: `(windows down, windows across, 8, 8)`."""
    mean = cv2.boxFilter(padded, -1, (_PIECE, _PIECE), anchor=(0, 0))
    square = cv2.sqrBoxFilter(padded, cv2.CV_32F, (_PIECE, _PIECE), anchor=(0, 0))
    inside = slice(0, 1 - _PIECE)
    deviation = np.sqrt((square - mean * mean).clip(0))[inside, inside]
    reach = SIDE - _PIECE + 1
    return sliding_window_view(deviation, (reach, reach))[:, :, ::_PIECE, ::_PIECE]
