"""The frames of formats: where their numbers stand, and how their parts are told apart and put together."""

from __future__ import annotations

import struct
import zlib
from random import Random

from fuzz.mutate import Change, Part, any_bytes, fields, packed, parts, words

_PNG = b"\x89PNG\r\n\x1a\n"
_LONG_VRS = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF", b"OD", b"OL", b"UC", b"UR")
_DICM = 132


def _png_parts(content: bytes) -> list[Part]:
    found, at = [], len(_PNG)
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def _png_of(found: list[Part]) -> bytes:
    return _PNG + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in found
    )


def _in_png(kind: bytes) -> list[Change]:
    if kind == b"IHDR":
        return [fields(lambda _: [(0, ">I"), (4, ">I"), *((at, ">B") for at in range(8, 13))])]
    return [packed(zlib.decompress, zlib.compress, [])] if kind == b"IDAT" else [tiff_fields, words]


def _tiff_numbers(content: bytes) -> list[tuple[int, str]]:
    """Of the directories, one behind the other: tag, type, count and value of each entry, and where the next begins."""
    order = "<" if content[:2] == b"II" else ">"
    found, at = [(4, order + "I")], struct.unpack_from(order + "I", content, 4)[0]
    for _ in range(4):
        (count,) = struct.unpack_from(order + "H", content, at)
        entries = [at + 2 + 12 * entry for entry in range(min(count, 60))]
        found += [(at, order + "H")]
        for entry in entries:
            found += [(entry, order + "H"), (entry + 2, order + "H"), (entry + 4, order + "I")]
            found += [(entry + 8, order + "I"), (entry + 8, order + "H")] * 3
        found += [(at + 2 + 12 * count, order + "I")]
        (at,) = struct.unpack_from(order + "I", content, at + 2 + 12 * count)
        if not at:
            break
    return found


tiff_fields = fields(_tiff_numbers)


def _jpeg_parts(content: bytes) -> list[Part]:
    """What follows a marker; pixels that are compressed belong to the start of their scan."""
    found, at = [], 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind, size = content[at : at + 2], int.from_bytes(content[at + 2 : at + 4], "big")
        end = at + 2 + size
        if kind == b"\xff\xda":
            while end + 1 < len(content) and (content[end] != 0xFF or content[end + 1] in (0, *range(0xD0, 0xD8))):
                end += 1
        found.append((kind, content[at + 4 : end]))
        at = end
    return found


def _jpeg_of(found: list[Part]) -> bytes:
    content = b"\xff\xd8"
    for kind, data in found:
        size = 2 + (3 + 2 * (data[:1] or b"\0")[0] + 1 if kind == b"\xff\xda" else len(data))
        content += kind + (size % 2**16).to_bytes(2, "big") + data
    return content + b"\xff\xd9"


def _in_jpeg(kind: bytes) -> list[Change]:
    if 0xC0 <= kind[1] <= 0xCF:
        return [fields(lambda _: [(0, ">B"), (1, ">H"), (3, ">H"), *((at, ">B") for at in range(5, 15))])]
    return []


def _dicom_parts(content: bytes) -> list[Part]:
    """The elements behind the preamble, of explicit VRs in little endian; the first part is the preamble."""
    found, at = [(b"", content[:_DICM])], _DICM
    while at + 8 <= len(content):
        tag, vr = content[at : at + 4], content[at + 4 : at + 6]
        begin = at + (12 if vr in _LONG_VRS else 8)
        size = int.from_bytes(content[at + 8 : at + 12] if vr in _LONG_VRS else content[at + 6 : at + 8], "little")
        end = len(content) if size == 2**32 - 1 else begin + size
        found.append((tag + vr + (b"\xff" if size == 2**32 - 1 else b""), content[begin:end]))
        at = end
    return found


def _dicom_of(found: list[Part]) -> bytes:
    content = b""
    for kind, data in found:
        tag, vr, endless = kind[:4], kind[4:6], kind[6:]
        if vr in _LONG_VRS:
            tag += vr + b"\0\0" + (b"\xff" * 4 if endless else len(data).to_bytes(4, "little"))
        elif kind:
            data = data[:65534]
            tag += vr + len(data).to_bytes(2, "little")
        content += tag + data
    return content


def _in_dicom(kind: bytes) -> list[Change]:
    if kind[6:]:
        return [_frame]
    if kind[4:6] in (b"US", b"SS"):
        return [fields(lambda content: [(at, "<H") for at in range(0, max(2, len(content)), 2)])] * 4
    return [] if kind[4:6] in (b"OB", b"OW") else [words, _item]


def _frame(rng: Random, content: bytes) -> bytes:
    """Of encapsulated pixels that behind the table of offsets and the head of the first item."""
    at = 16 + int.from_bytes(content[4:8], "little")
    frame = content[at:]
    change = rng.choice([jpeg, any_bytes] if frame.startswith(b"\xff\xd8") else [any_bytes, _frame_head])
    changed = change(rng, frame)
    size = len(changed) if rng.random() < 0.5 else int.from_bytes(content[at - 4 : at], "little")
    return content[: at - 4] + size.to_bytes(4, "little") + changed


def _frame_head(rng: Random, content: bytes) -> bytes:
    return any_bytes(rng, content[:128]) + content[128:]


def _item(rng: Random, content: bytes) -> bytes:
    """Within the first item of a sequence, whose length may then be wrong."""
    return content[:8] + dicom_elements(rng, bytes(_DICM) + content[8:])[_DICM:]


def _nifti_numbers(content: bytes) -> list[tuple[int, str]]:
    order = "<" if content[:1] != b"\0" else ">"
    if int.from_bytes(content[:4], "little") == 540:
        return [
            (12, "<h"),
            (14, "<h"),
            *((at, "<q") for at in range(16, 80, 8)),
            *((at, "<d") for at in range(80, 500, 8)),
        ]
    shorts, floats = (*range(40, 56, 2), 70, 72, 252, 254), (*range(76, 120, 4), *range(256, 328, 4))
    return [(0, order + "i"), (123, "<B"), *((at, order + "h") for at in shorts), *((at, order + "f") for at in floats)]


def _gif_numbers(content: bytes) -> list[tuple[int, str]]:
    frame = content.index(b",", 13)
    return [
        (6, "<H"),
        (8, "<H"),
        *((at, "<B") for at in (10, 11, 12)),
        *((frame + at, "<H") for at in (1, 3, 5, 7)),
        (frame + 9, "<B"),
        (frame + 10, "<B"),
    ]


def _npy_header(rng: Random, content: bytes) -> bytes:
    head = words(rng, content[10:128])
    return content[:8] + (len(head) % 2**16).to_bytes(2, "little") + head + content[128:]


png = parts(_png_parts, _png_of, _in_png)
jpeg = parts(_jpeg_parts, _jpeg_of, _in_jpeg)
dicom_elements = parts(_dicom_parts, _dicom_of, _in_dicom)
nifti_fields = fields(_nifti_numbers)
gif_fields = fields(_gif_numbers)
bmp_fields = fields(
    lambda _: [
        (10, "<I"),
        (14, "<I"),
        (18, "<i"),
        (22, "<i"),
        (26, "<H"),
        (28, "<H"),
        (30, "<I"),
        (34, "<I"),
        (46, "<I"),
        (50, "<I"),
    ]
)
npy_header = _npy_header
