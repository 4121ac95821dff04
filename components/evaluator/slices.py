"""What a limit may pick from the test cases: `label=malignant`, `site=A`, `size<20px`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from components.evaluator.per_case import Case

Belongs = Callable[[Case, str | None], bool]
"""Whether a case is in a slice, of a class, or of any."""

NAMED: dict[str, Callable[[Case, str], bool]] = {
    "label": lambda case, name: case.label == name,
    "site": lambda case, name: case.site == name,
    "folder": lambda case, name: PurePosixPath(case.source).parent.name == name,
    "span": lambda case, name: case.source.partition("/")[0] in (name, f"span-{name}"),
}
"""By the word before the sign. `folder` is the source's own, `span` the outermost, as `2` or `span-2`."""

SIZED: dict[str, Callable[[float, float], bool]] = {
    "<": lambda extent, pixels: extent < pixels,
    ">=": lambda extent, pixels: extent >= pixels,
}
"""What stands behind `size`. The size of a case is the longest side of the bounding boxes of its regions in the truth,
of the limit's class or, without one, of any; a case without a region is in no such slice."""

_WHERE: dict[str, Callable[[Case], str]] = {
    "label": lambda case: case.label,
    "site": lambda case: case.site,
    "folder": lambda case: PurePosixPath(case.source).parent.name,
    "span": lambda case: case.source.partition("/")[0].removeprefix("span-") if case.source.startswith("span-") else "",
}
"""What `NAMED` compares with."""
_MOST = 20
"""Slices of a kind that are told: more are names of cases."""

_SIZE = re.compile(r"size\s*(<|>=)\s*([0-9]+(?:\.[0-9]+)?)\s*px")


def slices_in(cases: Sequence[Case]) -> Iterator[str]:
    """The slices by name into which cases fall, where there are several of a kind, but not as many as cases."""
    for kind, name in _WHERE.items():
        names = sorted({name(case) for case in cases} - {""})
        if 1 < len(names) <= min(_MOST, len(cases) // 2):
            yield from (f"{kind}={each}" for each in names)


def sliced(text: str) -> Belongs:
    """Raises ValueError: no slice is written so."""
    if found := _SIZE.fullmatch(text):
        within, pixels = SIZED[found[1]], float(found[2])
        return lambda case, of: (extent := case.extent(of)) > 0 and within(extent, pixels)
    kind, sign, name = text.partition("=")
    if kind not in NAMED or not sign or not name:
        allowed = [*(f"{kind}=NAME" for kind in NAMED), *(f"size{sign}20px" for sign in SIZED)]
        raise ValueError(f"expected {', '.join(allowed[:-1])} or {allowed[-1]}")
    return lambda case, _: NAMED[kind](case, name)
