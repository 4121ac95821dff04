"""Names, ids and messages as text that is shown, not obeyed, wherever people read it."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""Without them some scripts and emoji cannot be written."""
_PLAIN = {"✓": "+", "✗": "x", "–": "-", "…": "...", "°": " deg"}
"""Of our own signs what can be shown where they are lacking."""
_LONG_WORD = 120
"""Letters from which a word is cut."""


def visible(text: str, encoding: str = "utf-8") -> str:
    """A line, with an escape for each character that would move, turn or hide others, or that the encoding lacks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, encoding) for character in text)


def visible_lines(text: str, encoding: str = "utf-8") -> str:
    """As `visible`, of a text whose line breaks are meant."""
    return "\n".join(visible(line, encoding) for line in text.split("\n"))


def shortened(text: str, letters: int = _LONG_WORD) -> str:
    """The text, of longer words the beginning and the end."""
    half = letters // 2
    return re.sub(rf"\S{{{letters + 1},}}", lambda word: f"{word[0][:half]}…{word[0][-half:]}", text)


def _shown(character: str, encoding: str) -> str:
    category = unicodedata.category(character)
    unsafe = category[0] == "C" or category in ("Zl", "Zp")
    if (unsafe and character not in _JOINERS) or not _has(encoding, character):
        return _PLAIN.get(character) or _escaped(character)
    return character


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(character: str) -> str:
    r"""Below 128 as `repr` has it, else so that JSON and TOML have it too: `\u00f6`, not `\xf6`."""
    code = ord(character)
    if code < 128:
        return repr(character)[1:-1]
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
