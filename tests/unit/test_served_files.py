"""Files that a served model is asked about: decoded as derivation decodes them, or refused."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from dicom_files import dicom
from image_contents import DEEP, DEEP_RGB, GRAY, PALETTE, saved, with_alpha
from PIL import Image
from raw_images import packed_png, png, tiff

from components.imaging.files.codecs import UnreadableImage, as_float, decode_image, encode_png, with_channels
from components.serving_graph.files import fault_of, refused_unless_derived
from components.serving_graph.preprocessing import decode_any

SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8), (24, 16))
JPEG = saved(SMOOTH, "JPEG", quality=95)
PNG = encode_png(SMOOTH)


def exif(orientation: int, order: str = "<", kind: int = 3, before: int = 0) -> bytes:
    """Exif with an orientation, SHORT (3) or LONG (4), after so many other entries."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    others = b"".join(struct.pack(order + "HHIHH", 0x100 + n, 3, 1, 7, 0) for n in range(before))
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    entry = struct.pack(order + "HHI", 0x112, kind, 1) + value
    return mark + struct.pack(order + "IH", 8, 1 + before) + others + entry + b"\0\0\0\0"


def jpeg_with(*segments: bytes, fill: bytes = b"") -> bytes:
    parts = b"".join(fill + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment for segment in segments)
    return JPEG[:2] + parts + JPEG[2:]


def png_with(kind: bytes, data: bytes, before: bytes = b"IDAT") -> bytes:
    place = PNG.index(before) - 4
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return PNG[:place] + chunk + PNG[place:]


def interlaced(pixels: np.ndarray) -> bytes:
    """PNG by the seven passes of Adam7, written here since neither library writes it."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(
        b"\0" + row.tobytes() for top, left, down, along in passes for row in pixels[top::down, left::along] if row.size
    )
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 1)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def ycck() -> bytes:
    """CMYK with the marker of Adobe that names YCCK."""
    content = saved(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG")
    place = content.index(b"Adobe\0d") + 11
    return content[:place] + b"\2" + content[place + 1 :]


def adobe_rgb() -> bytes:
    """Three colours that the marker of Adobe names RGB, not YCbCr."""
    return JPEG[:2] + b"\xff\xee\0\x0eAdobe\0d\0\0\0\0\0" + JPEG[2:]


XMP = b"http://ns.adobe.com/xap/1.0/\0" + b"z" * 100
FILES = {
    **{f"JPEG, orientation {n} {order}": jpeg_with(b"Exif\0\0" + exif(n, order)) for n in range(10) for order in "<>"},
    **{f"PNG, orientation {n} {order}": png_with(b"eXIf", exif(n, order)) for n in range(10) for order in "<>"},
    **{f"PNG, orientation {n} at its end": png_with(b"eXIf", exif(n), b"IEND") for n in (1, 3, 8)},
    **{f"LONG orientation {order}": jpeg_with(b"Exif\0\0" + exif(6, order, kind=4)) for order in "<>"},
    "orientation after others": jpeg_with(b"Exif\0\0" + exif(6, before=9)),
    "upright after others": jpeg_with(b"Exif\0\0" + exif(1, before=9)),
    "Exif after XMP": jpeg_with(XMP, b"Exif\0\0" + exif(6)),
    "Exif twice": jpeg_with(b"Exif\0\0" + exif(1), b"Exif\0\0" + exif(6)),
    "fill bytes": jpeg_with(b"Exif\0\0" + exif(6), fill=b"\xff\xff"),
    "Exif cut short": jpeg_with(b"Exif\0\0" + exif(6)[:12]),
    "Exif of a far directory": jpeg_with(b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "Exif of nothing": jpeg_with(b"Exif\0\0"),
    "XMP alone": jpeg_with(XMP),
    "CMYK": saved(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG"),
    "YCCK": ycck(),
    "RGB of Adobe": adobe_rgb(),
    "gray JPEG": saved(SMOOTH[..., 0], "JPEG"),
    "progressive JPEG": saved(SMOOTH, "JPEG", progressive=True),
    "JPEG of whole colours": saved(SMOOTH, "JPEG", subsampling=0),
    "JPEG, end missing": JPEG[:-60],
    "JPEG, start only": JPEG[:4],
    "GIF": saved(SMOOTH, "GIF"),
    "BMP": saved(SMOOTH, "BMP"),
    "TIFF": tiff(SMOOTH),
    "text": b"this is no image",
    "nothing": b"",
    "PNG of 16 bits": png(DEEP_RGB),
    "gray and alpha": png(with_alpha(GRAY)),
    "RGB and alpha": png(with_alpha(SMOOTH)),
    "RGB and alpha of 16 bits": png(with_alpha(DEEP_RGB)),
    "palette": packed_png(SMOOTH[..., 0] % 4, 2, PALETTE),
    "gray of 4 bits": packed_png(SMOOTH[..., 0] % 16, 4),
    "interlaced": interlaced(SMOOTH),
    "animated PNG": saved(SMOOTH, "PNG", save_all=True, append_images=[Image.fromarray(SMOOTH[::-1])]),
    "PNG, end missing": PNG[:-1],
    "PNG, start only": PNG[:8],
    "PNG, long chunk": PNG[:8] + b"\xff\xff\xff\xff" + PNG[12:],
}
SERVED = {
    *(f"{kind}, orientation {n} {order}" for kind in ("JPEG", "PNG") for n in (0, 1, 9) for order in "<>"),
    *("PNG, orientation 1 at its end", "upright after others", "XMP alone", "Exif cut short", "Exif of nothing"),
    *(
        "Exif of a far directory",
        "RGB of Adobe",
        "gray JPEG",
        "progressive JPEG",
        "JPEG of whole colours",
        "interlaced",
    ),
    *("PNG of 16 bits", "gray and alpha", "RGB and alpha", "RGB and alpha of 16 bits", "palette", "gray of 4 bits"),
}


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def decoded(content: tf.Tensor) -> tf.Tensor:
    return decode_any(refused_unless_derived(content[None])[0], 3)


def served(content: bytes) -> np.ndarray | str:
    """float32 `(h, w, 3)`, or why not."""
    try:
        return decoded(tf.constant(content)).numpy()
    except tf.errors.InvalidArgumentError as error:
        return str(error)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def fault(content: tf.Tensor) -> tf.Tensor:
    return fault_of(content)


@pytest.mark.parametrize("name", FILES)
def test_what_is_served_is_what_is_derived(name: str) -> None:
    answer = served(FILES[name])
    assert isinstance(answer, str) == (name not in SERVED)
    if isinstance(answer, str):
        return
    expected = as_float(with_channels(decode_image(FILES[name]), 3))
    np.testing.assert_allclose(answer, expected, atol=1.5 / 255)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turn_is_named(orientation: int) -> None:
    reason = f"is to be turned by its Exif orientation {orientation}: save it upright"
    for content in (jpeg_with(b"Exif\0\0" + exif(orientation, ">")), png_with(b"eXIf", exif(orientation), b"IEND")):
        assert fault(tf.constant(content)).numpy().decode() == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CMYK", "has 4 colours, as CMYK: convert it to gray or RGB"),
        ("YCCK", "has 4 colours, as CMYK: convert it to gray or RGB"),
        ("GIF", "is neither a PNG nor a JPEG file: convert it"),
        ("TIFF", "is neither a PNG nor a JPEG file: convert it"),
        ("nothing", "is neither a PNG nor a JPEG file: convert it"),
        ("animated PNG", "holds several frames: save one of them alone"),
        ("JPEG, orientation 1 <", ""),
        ("PNG, orientation 9 >", ""),
        ("palette", ""),
    ],
)
def test_what_else_is_refused_is_named(name: str, reason: str) -> None:
    assert fault(tf.constant(FILES[name])).numpy().decode() == reason


def test_derivation_turns_or_refuses_what_is_refused() -> None:
    """Or the refusals would be too many."""
    for name in ("CMYK", "YCCK", "animated PNG"):
        with pytest.raises(UnreadableImage):
            decode_image(FILES[name])
    for name in ("JPEG, orientation 6 <", "PNG, orientation 6 >"):
        assert decode_image(FILES[name]).shape == (24, 16, 3)


def test_the_files_of_a_request_are_named() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        refused_unless_derived(tf.constant([PNG, FILES["GIF"], JPEG, FILES["JPEG, orientation 6 <"]]))
    assert (
        "images[1] is neither a PNG nor a JPEG file: convert it; "
        "images[3] is to be turned by its Exif orientation 6: save it upright"
    ) in str(caught.value)


def claiming(width: int, height: int) -> dict[str, bytes]:
    """Files of a kilobyte whose headers claim so many pixels."""
    header = b"IHDR" + struct.pack(">II", width, height) + PNG[24:29]
    frame = JPEG.index(b"\xff\xc0") + 5
    return {
        "PNG": PNG[:12] + header + struct.pack(">I", zlib.crc32(header)) + PNG[33:],
        "JPEG": JPEG[:frame] + struct.pack(">HH", height & 0xFFFF, width & 0xFFFF) + JPEG[frame + 4 :],
    }


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_001, 10_000)])
def test_what_claims_too_many_pixels_is_refused_before_it_is_decoded(kind: str, width: int, height: int) -> None:
    """TensorFlow takes up to 2 ** 29: of these, gigabytes."""
    content = claiming(width, height)[kind]
    assert len(content) < 2000
    reason = f"has {width} x {height} pixels, more than the 100000000 that are allowed: make it smaller"
    assert reason in str(served(content))
    assert fault(tf.constant(claiming(10_000, 10_000)[kind])).numpy() == b""


def test_no_number_of_pixels_is_too_large_to_be_counted() -> None:
    content = claiming(2**32 - 1, 2**32 - 1)["PNG"]
    assert fault(tf.constant(content)).numpy().startswith(b"has 4294967295 x 4294967295 pixels")


def test_the_limit_is_that_of_the_recipe() -> None:
    assert fault_of(tf.constant(PNG), max_pixels=24 * 16).numpy() == b""
    assert fault_of(tf.constant(JPEG), max_pixels=24 * 16 - 1).numpy().startswith(b"has 24 x 16 pixels")


def test_padding_of_dicom_is_served_as_it_was_derived() -> None:
    """By PNG of what derivation makes of it: neither can tell padding from other black."""
    pixels = np.where(DEEP == 65535, 65535, DEEP % 4096).astype(np.uint16)
    derived = decode_image(dicom(pixels, PixelPaddingValue=65535))
    assert derived.max() < 4096
    np.testing.assert_allclose(served(encode_png(derived))[..., :1], as_float(derived), atol=1e-7)


def test_none_are_none() -> None:
    assert refused_unless_derived(tf.constant([], tf.string)).shape == (0,)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def decoded_as_stored(content: tf.Tensor) -> tf.Tensor:
    return decode_any(refused_unless_derived(content[None], upright=False)[0], 3)


@pytest.mark.parametrize("name", [name for name in FILES if "orientation" in name])
def test_a_model_of_images_as_stored_is_served_them_as_stored(name: str) -> None:
    expected = as_float(with_channels(decode_image(FILES[name], upright=False), 3))
    np.testing.assert_allclose(decoded_as_stored(tf.constant(FILES[name])).numpy(), expected, atol=1e-6)
