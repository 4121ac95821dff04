"""PNG, JPEG, TIFF, BMP, GIF, PNM, and the text of label maps."""

from __future__ import annotations

import image_contents as contents
from PIL import Image
from raw_images import bmp, gif, packed_png, png, tiff
from slide_files import tissue

from components.errors import UsageError
from components.imaging.files import codecs
from components.imaging.files.label_text import holds_labels
from fuzz import formats
from fuzz.images import READS, REFUSED, SMOOTH, image
from fuzz.mutate import lines, words
from fuzz.reader import Reader
from fuzz.slides import by_regions, slide


def _pngs() -> list[bytes]:
    saved = contents.saved
    entries = Image.fromarray(contents.ENTRIES, "P")
    entries.putpalette(contents.PALETTE.tobytes())
    exif = Image.Exif()
    exif[274] = 6
    return [
        *(png(pixels) for pixels in (contents.GRAY, contents.DEEP, contents.RGB, contents.DEEP_RGB)),
        *(png(contents.with_alpha(pixels)) for pixels in (contents.GRAY, contents.RGB)),
        packed_png(contents.ENTRIES % 2, 1),
        packed_png(contents.ENTRIES, 2, contents.PALETTE),
        saved(entries, "PNG", transparency=bytes([0, 255, 9])),
        saved(SMOOTH, "PNG", exif=exif, dpi=(300, 300)),
        codecs.encode_png(SMOOTH),
        saved(SMOOTH, "PNG", save_all=True, append_images=[Image.fromarray(SMOOTH[::-1])]),
    ]


def _jpegs() -> list[bytes]:
    exif = Image.Exif()
    exif[274] = 8
    image = Image.fromarray(SMOOTH)
    return [
        contents.saved(image, "JPEG"),
        contents.saved(image, "JPEG", progressive=True, exif=exif),
        contents.saved(image.convert("L"), "JPEG", restart_marker_rows=1, dpi=(72, 72)),
        contents.saved(image.convert("CMYK"), "JPEG"),
    ]


def _tiffs() -> list[bytes]:
    gray, saved = Image.fromarray(SMOOTH[..., 0]), contents.saved
    return [
        *(tiff(pixels, order) for pixels in (contents.GRAY, contents.DEEP, contents.RGB) for order in "<>"),
        tiff(contents.GRAY, tags={274: [6], 282: [300], 296: [2]}),
        tiff(contents.with_alpha(contents.RGB)),
        *(saved(SMOOTH, "TIFF", compression=kind) for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
        *(saved(gray.convert("1"), "TIFF", compression=kind) for kind in ("group3", "group4", "tiff_ccitt")),
        saved(contents.ENTRIES, "TIFF", tiffinfo={270: "a text", 282: 30.0, 283: 30.0, 296: 3}),
        tiff(contents.GRAY, pages=2),
        *(slide(tissue(40, 48), levels=1, compression=kind) for kind in ("deflate", "jpeg", None)),
        slide(tissue(40, 48, 1), levels=1),
    ]


READERS = {
    "png": image(_pngs, formats.png),
    "jpeg": image(_jpegs, formats.jpeg),
    "tiff": image(_tiffs, formats.tiff_fields, formats.tiff_fields),
    "bmp": image(
        lambda: [
            bmp((3, 2), 24, contents.bgr_rows(contents.RGB)),
            bmp((3, 2), 8, contents.bytes_of(contents.ENTRIES), contents.bgra(contents.PALETTE)),
            bmp((3, -2), 32, contents.bytes_of(contents.with_alpha(contents.RGB))),
            contents.saved(SMOOTH, "BMP"),
        ],
        formats.bmp_fields,
        formats.bmp_fields,
    ),
    "gif": image(
        lambda: [
            gif(contents.ENTRIES, contents.PALETTE),
            gif(contents.ENTRIES, contents.PALETTE, transparent=0),
            gif(contents.ENTRIES, contents.PALETTE, frames=2),
            contents.saved(Image.fromarray(SMOOTH[..., 0]), "GIF"),
        ],
        formats.gif_fields,
    ),
    "pnm": image(
        lambda: [
            b"P5\n3 2\n255\n\x00\x01\x02\x7f\x80\xff",
            b"P5\n2 1\n65535\n\x01\x00\xff\xfe",
            b"P2 1 1 1000 # one\n  # two\n 7 # three",
            b"P6 2 1 255\n\xff\x00\x01\x02\x03\x04",
            b"P3 2 1 255\n255 0 1\n2 3 4\n",
        ],
        words,
    ),
    "label_text": Reader(
        lambda: [b"0 0 2\n1 0 300\n", b"0,0,2\r\n1,0,300", b"0\t0\t2\n1\t0\t300\n\n"],
        (*READS, holds_labels),
        REFUSED,
        (words, lines),
        "input.txt",
    ),
    "rows": Reader(
        lambda: [*_pngs()[:5], *_jpegs()[:3]],
        (by_regions,),
        (*REFUSED, UsageError),
        (formats.png, formats.jpeg),
    ),
}
