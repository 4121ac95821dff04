"""Whether bytes begin as DICOM files do; without pydicom, so that other files do not wait for it."""

from __future__ import annotations

import re

PREAMBLE_BYTES = 132
"""The preamble with its mark, which older programs and some exports leave out."""
_MARK = b"DICM"
# The first elements that a file without a preamble can have: of group 0002, which is explicit and little endian
# always, or of 0008, in any of the three encodings. An implicit length is even and short.
_VR = rb"(?:AE|CS|DA|DT|LO|OB|PN|SH|SQ|ST|TM|UI|UL|US|UT)"
_FIRST_ELEMENT = re.compile(
    rb"\x02\x00[\x00\x01\x02\x03\x10\x12\x13\x16]\x00" + _VR + rb"|\x08\x00[\x00\x01\x05\x06\x08\x12-\x18]\x00"
    rb"(?:" + _VR + rb"|[\x02-\xfe][\x00\x01]\x00\x00)|\x00\x08\x00[\x00\x01\x05\x06\x08\x12-\x18]" + _VR,
    re.DOTALL,
)


def has_preamble(content: bytes) -> bool:
    """Whether the mark stands where it must."""
    return content[PREAMBLE_BYTES - len(_MARK) : PREAMBLE_BYTES] == _MARK


def is_dicom(content: bytes) -> bool:
    """Whether a file is DICOM, by its first `PREAMBLE_BYTES`: by its mark, or without one by its first element."""
    return has_preamble(content) or _FIRST_ELEMENT.match(content) is not None
