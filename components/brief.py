"""Texts that quote what others wrote, cut to what people read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

REASON = 500
"""Characters of a reason, whatever it quotes."""
_NAMED = 5


def brief(text: str, longest: int = REASON) -> str:
    """A text, without its middle where it is longer: it begins with what is wrong, and ends with what to do."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 3]}...{text[-end:]}"


def some(names: Iterable[object]) -> str:
    """The first of several, and how many there are beside them."""
    rest = iter(names)
    named = [brief(str(name), REASON // 2 // _NAMED) for name in islice(rest, _NAMED)]
    more = sum(1 for _ in rest)
    return ", ".join(named) + (f" and {more} more" if more else "")
