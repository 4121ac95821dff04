"""Values that parsers and sums are not made for."""

from __future__ import annotations

from random import Random

NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 64, 100, 127, 128, 255, 256, 999, 1000, 1024, 4095, 4096, 32767, 32768)
NUMBERS += (65535, 65536, 10**6, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 10**30)
WORDS = (
    *("", " ", "-1", "-0", "0", "1", "1.5", "1e308", "-1e308", "1e999", "nan", "NaN", "inf", "-Infinity", "1e-320"),
    *("null", "true", "[]", "{}", "0x10", "1_000", "9" * 30, "9" * 400, "9" * 5000, "1,5", "1;2", "1\\2\\3", "\0"),
    *("..", "../../x", "/etc/passwd", "C:\\x", "~", "con", "a/b", "x" * 300, "y" * 20_000, "é", "\ud800", "\u202e"),
    *("\N{PILE OF POO}", "%s%n", "${x}", "<x>", "&amp;", "\n", "\r\n\r\n", '"', "'", "#", "١٢", "½", "1e400", "+5"),
)


def number(rng: Random, bits: int, signed: bool = True) -> int:
    """Of as many bits; often a power of two or one beside it."""
    if rng.random() < 0.2:
        return rng.getrandbits(bits)
    found = rng.choice(NUMBERS) + rng.choice((0, 0, 0, 1, -1))
    return (-found if signed and rng.random() < 0.2 else found) % 2**bits


def word(rng: Random) -> str:
    if rng.random() < 0.4:
        return str(rng.choice(NUMBERS) * rng.choice((1, 1, 1, -1)))
    return rng.choice(WORDS)


def thing(rng: Random) -> object:
    """What JSON may hold where something else was expected."""
    kinds = (None, True, False, [], {}, [[]], {"": None}, [None] * 3, float("nan"), float("inf"), -0.0, 0.5, 1e308)
    choice = rng.random()
    if choice < 0.35:
        return rng.choice(kinds)
    if choice < 0.6:
        return rng.choice(NUMBERS) * rng.choice((1, 1, -1))
    if choice < 0.65:
        return nested(rng.choice((5, 50, 900, 3000)), rng.choice("[{"))
    return word(rng)


def nested(depth: int, sign: str) -> object:
    found: object = 1
    for _ in range(depth):
        found = [found] if sign == "[" else {"x": found}
    return found
