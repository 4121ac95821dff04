"""Masks of exact values, grey or entries of a palette."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from components.errors import UsageError
from components.imaging.truth.classes import MOST_CLASSES as MOST_INDICES
from pipeline.runs.init.looks import Look, share_of
from pipeline.runs.init.truth.indices import of_indices
from pipeline.runs.init.truth.levels import of_levels
from pipeline.runs.init.truth.limits import BETWEEN, MOST_CLASSES, MOST_LEVELS, OWN, STRAY, VOIDS
from pipeline.runs.init.truth.meanings import FoundTruth
from pipeline.runs.init.truth.numbers import numbering, of_ids, of_objects
from pipeline.runs.init.truth.rims import void_of
from pipeline.runs.init.truth.two import of_cut, of_soft, of_two

_TWO = 2


def of_values(looks: Sequence[Look], what: str) -> FoundTruth:
    counts = _counts(looks)
    known = {value for value, share in counts.items() if share >= STRAY} | {*_own(looks)}
    if known == {0}:
        raise UsageError(
            f"{looks[0].path.parent}: every mask that was looked at ({len(looks)}) is empty: nothing tells what is "
            "foreground. Give masks with some, or write the recipe by hand: maskline config show folders"
        )
    others = {int(value) for look in looks for value in look.values if value}
    if all(len(look.values) <= _TWO for look in looks) and 0 in known and others <= {1, *VOIDS}:
        # Who saves masks now as 0 and 1, now as 0 and 255, means one class.
        return of_two(looks, {0: counts[0], max(known): 1 - counts[0]}, what)
    if known <= {0, max(known)}:
        return of_two(looks, {value: counts[value] for value in known}, what)
    many = any(len(look.values) > MOST_LEVELS for look in looks)
    solid = _solid(looks, counts, known, many)
    ramps = max(known) > MOST_LEVELS and len(solid) < len(known) and (not many or _are_ramps(looks, solid))
    if many and ramps and len(solid) <= _TWO:
        return of_soft(looks)
    if ramps:
        return _of_blended(looks, {value: counts[value] for value in sorted(solid)}, what)
    # Where there are many the rarest is an object, too.
    return _of_solid(looks, counts if many else {value: counts[value] for value in sorted(known)}, what)


def _of_blended(looks: Sequence[Look], shares: Mapping[int, float], what: str) -> FoundTruth:
    """Of levels, with their blends along outlines."""
    if len(shares) < _TWO:
        return of_soft(looks)
    if len(shares) == _TWO:
        return of_cut(looks, shares, "with values between them along outlines")
    blended = max(1 - look.counts[np.isin(look.values, [*shares])].sum() / look.counts.sum() for look in looks)
    return of_levels(looks, shares, what, float(blended))


def _of_solid(looks: Sequence[Look], shares: Mapping[int, float], what: str) -> FoundTruth:
    """Of values none of which is a blend."""
    void = void_of(shares)
    numbers = sorted({*shares} - {void})
    if numbers == [*range(len(numbers))] and len(numbers) <= MOST_INDICES:
        return of_indices(looks, shares, void, what)
    kind = numbering(looks, {*shares} - {0})
    if 0 not in shares or (kind == "classes" and len(shares) <= MOST_CLASSES):
        return of_levels(looks, shares, what)
    few = kind == "unclear" and len(shares) <= MOST_CLASSES
    return of_ids(looks, shares, what) if few else of_objects(looks, shares)


def _counts(looks: Sequence[Look]) -> dict[int, float]:
    """The share of each value, in its order, of all pixels: a lesion may be a few of them."""
    counts: Counter[int] = Counter()
    for look in looks:
        counts.update(dict(zip(look.values.tolist(), look.counts.tolist(), strict=True)))
    return {value: count / counts.total() for value, count in sorted(counts.items())}


def _own(looks: Sequence[Look]) -> set[int]:
    """Values that some mask has on more than stray pixels, of all or of its foreground, or with one other at most."""
    found: set[int] = set()
    for look in looks:
        enough = min(STRAY * look.counts.sum(), OWN * look.counts[look.values > 0].sum())
        found |= {*look.values[(look.counts >= enough) | (len(look.values) <= _TWO)].tolist()}
    return found


def _solid(looks: Sequence[Look], counts: Mapping[int, float], known: Collection[int], many: bool) -> set[int]:
    """Of the values those that are no blends; of masks with many those of much of the foreground, as slow ramps begin
    and end flat not near the least and the greatest."""
    if looks[0].palette:
        return {*known}
    ends = {min(known), max(known)}
    least = OWN * (1 - counts.get(0, 0.0)) if many else 0.0
    apart = MOST_LEVELS if many else 0
    others = (value for value in known if counts[value] >= least and min(abs(value - end) for end in ends) > apart)
    return ends | {value for value in others if share_of(looks, value, "between") < BETWEEN}


def _are_ramps(looks: Sequence[Look], solid: Collection[int]) -> bool:
    """Whether most pixels of other values lie between lower and higher ones."""
    others = [~np.isin(look.values, [*solid]) for look in looks]
    between = sum(int(look.shapes.between[which].sum()) for look, which in zip(looks, others, strict=True))
    return between >= BETWEEN * sum(int(look.counts[which].sum()) for look, which in zip(looks, others, strict=True))
