"""How often the interval that is printed covers the mean that it is of, on values as Dice has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import t

from components.measures.interval import TAIL, Range, interval

Cases = tuple[np.ndarray, np.ndarray]
"""Values and, of each, the number of its group."""
Shape = Callable[[np.random.Generator, int], Cases]
"""Draws the cases of so many groups."""

GROUPS = (8, 10, 12, 15, 20, 30, 50, 100)
_REPEATS = 500
_POPULATION = 400_000


def u_shaped(rng: np.random.Generator, groups: int) -> Cases:
    """One case in five has failed, the others are good."""
    return _failing(rng, groups, 0.2), np.arange(groups)


def near_one(rng: np.random.Generator, groups: int) -> Cases:
    return rng.beta(20, 1, groups), np.arange(groups)


def many_zeros(rng: np.random.Generator, groups: int) -> Cases:
    return np.where(rng.random(groups) < 0.35, 0.0, rng.beta(4, 2, groups)), np.arange(groups)


def clustered(rng: np.random.Generator, groups: int) -> Cases:
    """Cases of a group are alike, and one group in eight has twenty where half have one."""
    members = np.repeat(np.arange(groups), rng.choice([1, 1, 1, 1, 2, 4, 8, 20], groups))
    level = _failing(rng, groups, 0.2)[members]
    return (level + rng.normal(0, 0.1, len(members))).clip(0, 1), members


SHAPES: tuple[Shape, ...] = (u_shaped, near_one, many_zeros, clustered)


def paired(shape: Shape) -> Shape:
    """Of each case how much a second model differs: it is a little better, and fails anew in one case of twenty."""

    def differences(rng: np.random.Generator, groups: int) -> Cases:
        first, members = shape(rng, groups)
        better = (first + rng.normal(0.02, 0.05, len(first))).clip(0, 1)
        return np.where(rng.random(len(first)) < 0.05, 0.0, better) - first, members

    return differences


def ours(values: np.ndarray, members: np.ndarray, ends: Range) -> Range:
    found = interval(values[None], members.astype(str).tolist(), ends)
    assert found is not None
    return found


def student(values: np.ndarray, members: np.ndarray, ends: Range) -> Range:
    """Student's t of the ratio of totals to counts, whose variance is that of the groups (linearised)."""
    totals, counts = np.bincount(members, values), np.bincount(members)
    mean, groups = totals.sum() / counts.sum(), len(counts)
    spread = np.sqrt(groups / (groups - 1) * np.square(totals - mean * counts).sum()) / counts.sum()
    half = spread * t.ppf(1 - TAIL, groups - 1)
    return mean - half, mean + half


def percentile(values: np.ndarray, members: np.ndarray, ends: Range) -> Range:
    """Percentile bootstrap of groups, 2000 resamples."""
    totals, counts = np.bincount(members, values), np.bincount(members)
    drawn = np.random.default_rng(0).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), 2000)
    low, high = np.quantile(drawn @ totals / (drawn @ counts), (TAIL, 1 - TAIL))
    return low, high


METHODS = (ours, student, percentile)


def covered(
    method: Callable[[np.ndarray, np.ndarray, Range], Range], shape: Shape, ends: Range, groups: int, repeats: int
) -> tuple[float, float]:
    """The share of so many data sets whose interval covers the mean over all cases there are, and the mean width."""
    population, _ = shape(np.random.default_rng(1), _POPULATION)
    mean, rng, hits, width = population.mean(), np.random.default_rng(groups), 0, 0.0
    for _ in range(repeats):
        low, high = method(*shape(rng, groups), ends)
        hits += low <= mean <= high
        width += high - low
    return hits / repeats, width / repeats


def measure() -> Iterator[str]:
    """Yields a row of Markdown for each shape and method: coverage (mean width) by the number of groups."""
    yield f"| 95 % interval of | | {' | '.join(f'{groups} groups' for groups in GROUPS)} |"
    yield f"|{'---|' * (len(GROUPS) + 2)}"
    targets: list[tuple[str, Shape, Range]] = [(_title(shape), shape, (0.0, 1.0)) for shape in SHAPES]
    targets += [(f"differences, {_title(shape)}", paired(shape), (-1.0, 1.0)) for shape in SHAPES]
    for title, shape, ends in targets:
        for method in METHODS:
            found = [covered(method, shape, ends, groups, _REPEATS) for groups in GROUPS]
            yield f"| {title} | {method.__name__} | {' | '.join(f'{share:.2f} ({w:.2f})' for share, w in found)} |"


def _title(shape: Shape) -> str:
    return shape.__name__.replace("_", " ")


def _failing(rng: np.random.Generator, count: int, share: float) -> np.ndarray:
    return np.where(rng.random(count) < share, rng.beta(1, 12, count), rng.beta(18, 2, count))
