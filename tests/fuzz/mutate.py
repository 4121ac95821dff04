"""Changes of a file that know the frame of its format, so that what is wrong is found behind its first check.

A `Change` takes a generator and content, and raises where the content is not of its format any more.
"""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from fuzz.extremes import number, word

Change = Callable[[Random, bytes], bytes]
Part = tuple[bytes, bytes]
"""A kind and data."""
MOST = 2**17
"""Bytes that changes make of a file; those that unpack may come to more."""
_MOST_CHANGES = 4
_TIMES = (*(1, 1, 2, 2, 3, 3, 10, 10) * 4, 100, 3000)
_WORD = re.compile(rb"[\w.+-]+")


def mutated(rng: Random, content: bytes, changes: Sequence[Change]) -> bytes:
    """One to four changes, most of them those of a format."""
    for _ in range(rng.choice((1, 1, 2, _MOST_CHANGES))):
        change = rng.choice(changes) if changes and rng.random() < 0.75 else any_bytes
        try:
            content = change(rng, content)
        except Exception:  # no longer of its format
            content = any_bytes(rng, content)
    return content[: 4 * MOST]


def any_bytes(rng: Random, content: bytes) -> bytes:
    """Flipped, cut, repeated, moved, or numbers set to extremes, of whatever format."""
    if not content:
        return rng.randbytes(rng.choice((1, 8, 200)))
    at = rng.randrange(len(content))
    end = min(len(content), at + rng.choice((1, 1, 2, 4, 8, 32, 200)))
    kind = rng.randrange(8)
    if kind == 0:
        return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
    if kind == 1:
        return content[:at] + rng.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * (end - at) + content[end:]
    if kind == 2:
        size = rng.choice((1, 2, 4, 8))
        return content[:at] + number(rng, 8 * size).to_bytes(size, rng.choice(("big", "little"))) + content[at + size :]
    if kind == 3:
        return content[:at] if rng.random() < 0.5 else content[:at] + content[end:]
    if kind == 4:
        times = min(rng.choice(_TIMES), MOST // (end - at))
        return content[:at] + content[at:end] * times + content[end:]
    if kind == 5:
        to = rng.randrange(len(content))
        return content[:to] + content[at:end] + content[to:]
    if kind == 6:
        return content[:at] + rng.randbytes(end - at) + content[end:]
    return content + rng.choice((b"\0", content, rng.randbytes(20), bytes(MOST // 2)))


def words(rng: Random, content: bytes, head: int = 2**14) -> bytes:
    """A word or number of text becomes an extreme, or another one of the same text."""
    found = [*_WORD.finditer(content, 0, head)]
    place = rng.choice(found)
    other = rng.choice(found)[0] if rng.random() < 0.3 else word(rng).encode("utf-8", "surrogatepass")
    return content[: place.start()] + other + content[place.end() :]


def lines(rng: Random, content: bytes) -> bytes:
    """Lines dropped, repeated, exchanged."""
    found = content.splitlines(keepends=True)
    shuffle(rng, found)
    return b"".join(found)


def fields(find: Callable[[bytes], list[tuple[int, str]]]) -> Change:
    """Numbers in a header, each with its place and `struct` format."""

    def change(rng: Random, content: bytes) -> bytes:
        at, form = rng.choice(find(content))
        size = struct.calcsize(form)
        raw = number(rng, 8 * size).to_bytes(size, "big" if form[0] == ">" else "little")
        if form[-1] in "fd" and rng.random() < 0.7:
            raw = struct.pack(form, rng.choice((0.0, -1.0, 1e30, 1e-30, float("nan"), float("inf"), 0.5)))
        return content[:at] + raw + content[at + size :]

    return change


def parts(
    split: Callable[[bytes], list[Part]],
    join: Callable[[list[Part]], bytes],
    inner: Callable[[bytes], Sequence[Change]] = lambda kind: (),
) -> Change:
    """Parts dropped, repeated, exchanged or called otherwise; data changed, by the changes that are for a kind."""

    def change(rng: Random, content: bytes) -> bytes:
        found = split(content)
        if rng.random() < 0.25:
            shuffle(rng, found)
            return join(found)
        at = rng.randrange(len(found))
        kind, data = found[at]
        choice = rng.random()
        if choice < 0.1:
            found[at] = rng.choice(found)[0], data
        elif choice < 0.25:
            found[at] = kind, word(rng).encode("utf-8", "surrogatepass")
        else:
            own = [*inner(kind), *([any_bytes] if rng.random() < 0.5 else [])]
            found[at] = kind, rng.choice(own or [any_bytes])(rng, data)
        return join(found)

    return change


def packed(unpack: Callable[[bytes], bytes], pack: Callable[[bytes], bytes], changes: Sequence[Change]) -> Change:
    """What was changed is packed again, so that its check sum holds."""
    return lambda rng, content: pack(rng.choice([*changes, any_bytes])(rng, unpack(content)))


def gzipped(*changes: Change) -> Change:
    return packed(gzip.decompress, lambda content: gzip.compress(content, 1, mtime=0), changes)


def shuffle(rng: Random, found: list[Any]) -> None:
    """Drops, repeats or exchanges."""
    at, to = rng.randrange(len(found)), rng.randrange(len(found))
    kind = rng.randrange(4)
    if kind == 0:
        del found[at]
    elif kind == 1:
        found[at:at] = [found[to]] * rng.choice(_TIMES)
    elif kind == 2:
        found[at], found[to] = found[to], found[at]
    else:
        del found[min(at, to) : max(at, to)]
