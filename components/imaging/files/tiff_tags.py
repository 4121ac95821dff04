"""The first directory of a TIFF file, before libtiff reads the values of all of its tags."""

from __future__ import annotations

import struct

from components.imaging.files.unreadable import UnreadableImage

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Of a value, by its type: TIFF 6.0, section 2, and BigTIFF."""
_MOST_TAGS = 500


def refuse_bomb(content: bytes) -> None:
    """Raises UnreadableImage: its tags claim more than there is, as only values that lie on each other can."""
    order = ">" if content.startswith(b"MM") else "<"
    is_big = content[2:4] in (b"+\0", b"\0+")
    first, count, entry, larger = ("Q", "Q", "HHQ", 20) if is_big else ("I", "H", "HHI", 12)
    try:
        [at] = struct.unpack_from(order + first, content, 8 if is_big else 4)
        [tags] = struct.unpack_from(order + count, content, at)
        if tags > _MOST_TAGS:
            raise UnreadableImage(f"has {tags} tags, expected up to {_MOST_TAGS}: save it anew")
        begin = at + struct.calcsize(order + count)
        entries = [struct.unpack_from(order + entry, content, begin + larger * tag) for tag in range(tags)]
    except struct.error as error:
        raise UnreadableImage("not a whole TIFF image: its directory is cut short") from error
    claimed = sum(_BYTES.get(kind, 1) * values for _, kind, values in entries)
    if claimed > len(content) + larger * tags:
        raise UnreadableImage(f"has tags of {claimed} bytes, more than the {len(content)} of the file: save it anew")
