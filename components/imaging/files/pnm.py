"""PGM and PPM files, binary and plain. Values are those of the file, whatever the maximum that its header names."""

from __future__ import annotations

import re

import numpy as np

from components.imaging.files.unreadable import UnreadableImage, check_size

MAGIC = (b"P2", b"P3", b"P5", b"P6")

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
# One white space ends the header of a binary file; CR LF counts as one, or files with such lines would be read one
# byte late.
_HEADER = re.compile(rb"P([2356])" + 3 * (_GAP + rb"(\d{1,9})") + rb"(?:#[^\r\n]*)?(?:\r\n|\s)")
HEADER_BYTES = 65536
_PLAIN = b"0123456789 \t\n\v\f\r"


def decode_pnm(content: bytes, max_pixels: int) -> np.ndarray:
    """`(H, W)` gray of P2 and P5, `(H, W, 3)` RGB of P3 and P6; uint8 if the maximum is below 256, else uint16.

    Raises:
        UnreadableImage: a damaged header, pixels missing or left over, a value above the maximum.
    """
    header = _header(content)
    width, height, maximum = (int(number) for number in header.groups()[1:])
    check_size(width, height, max_pixels)
    if not 1 <= maximum <= 65535:
        raise UnreadableImage(f"its header claims a maximum of {maximum}, expected 1 to 65535")
    shape = (height, width, 3) if header[1] in b"36" else (height, width)
    values = (_plain if header[1] in b"23" else _binary)(content, header.end(), int(np.prod(shape)), maximum)
    if values.max() > maximum:
        raise UnreadableImage(f"has a value of {values.max()}, above the maximum of {maximum} that its header claims")
    return values.astype(np.uint16 if maximum > 255 else np.uint8, copy=False).reshape(shape)


def sides_of_pnm(head: bytes) -> tuple[int, int]:
    """Width and height, by the first `HEADER_BYTES`.

    Raises:
        UnreadableImage: a damaged header.
    """
    header = _header(head)
    return int(header[2]), int(header[3])


def _header(content: bytes) -> re.Match[bytes]:
    header = _HEADER.match(content, 0, HEADER_BYTES)
    if header is None:
        raise UnreadableImage("not a whole PGM or PPM image: its header is cut short or damaged")
    return header


def _binary(content: bytes, start: int, count: int, maximum: int) -> np.ndarray:
    stored = np.dtype(">u2" if maximum > 255 else np.uint8)
    end = start + count * stored.itemsize
    if len(content) < end:
        raise _cut_short((len(content) - start) // stored.itemsize, count)
    if content[end:].strip():
        raise _left_over(f"{len(content) - end} bytes")
    return np.frombuffer(content, stored, count, start).astype(stored.newbyteorder("="))


def _plain(content: bytes, start: int, count: int, _maximum: int) -> np.ndarray:
    text = content[start:]
    if b"#" in text:
        text = re.sub(rb"#[^\r\n]*", b"", text)
    if text.translate(None, _PLAIN):
        raise UnreadableImage("not a whole PGM or PPM image: has something other than numbers after its plain header")
    # Counted before they are parsed: a short file cannot claim much memory, nor a long one.
    digits = np.frombuffer(b" " + text, np.uint8) > ord(" ")
    found = np.count_nonzero(digits[1:] > digits[:-1])
    if found < count:
        raise _cut_short(found, count)
    if found > count:
        raise _left_over(f"{found - count} values")
    return np.fromstring(text, np.int64, sep=" ")


def _cut_short(found: int, expected: int) -> UnreadableImage:
    return UnreadableImage(f"not a whole PGM or PPM image: cut short, has {found} of {expected} values")


def _left_over(what: str) -> UnreadableImage:
    return UnreadableImage(f"has {what} after its pixels: several images in one file, or a damaged header")
