"""Words for colours."""

from __future__ import annotations

_WORDS = {
    **{"black": 0x000000, "white": 0xFFFFFF, "grey": 0x808080, "red": 0xFF0000, "green": 0x00FF00, "blue": 0x0000FF},
    **{"yellow": 0xFFFF00, "magenta": 0xFF00FF, "cyan": 0x00FFFF, "orange": 0xFF8000, "purple": 0x8000FF},
    **{"dark_red": 0x800000, "dark_green": 0x008000, "dark_blue": 0x000080, "olive": 0x808000, "teal": 0x008080},
    **{"brown": 0x804000, "pink": 0xFF80C0},
}


def colour_name(code: int) -> str:
    """The word whose colour is nearest to 0xRRGGBB."""
    return min(_WORDS, key=lambda word: sum((_part(code, at) - _part(_WORDS[word], at)) ** 2 for at in (16, 8, 0)))


def _part(code: int, shift: int) -> int:
    return code >> shift & 255
