"""Rejects that say the same of many sources, told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from components.artifacts import Reject

_EXAMPLES = 2
_OF_ONE_SOURCE = re.compile(r"'[^']*'|[^\s,;:']+/[^\s,;:']+|#[0-9a-f]{6}|[\d.]+")
"""In a reason: names, paths and numbers."""


def alike(rejects: Iterable[Reject]) -> list[list[Reject]]:
    """The rejects of one kind with one reason together, whatever names and numbers are in it; in their order."""
    groups: dict[tuple[str, str], list[Reject]] = {}
    for reject in rejects:
        reason = reject["reason"].replace(reject["source"], "")
        groups.setdefault((reject["kind"], _OF_ONE_SOURCE.sub("#", reason)), []).append(reject)
    return list(groups.values())


def told(group: Sequence[Reject]) -> list[str]:
    """The first with its reason, then how many others there are, and some of them."""
    first, *others = group
    line = f"{first['source']}: {first['reason']}"
    if not others:
        return [line]
    named = ", ".join(reject["source"] for reject in others[:_EXAMPLES])
    return [line, f"and {len(others)} alike: {named}{', ...' if len(others) > _EXAMPLES else ''}"]
