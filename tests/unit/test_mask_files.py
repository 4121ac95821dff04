"""Mask files of every form, and what is refused by name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from dicom_files import dicom
from PIL import Image
from raw_images import bmp, gif, png, tiff, write

from components.imaging.files.codecs import Limits, UnreadableImage, decode_mask
from components.imaging.truth.mask_files import read_mask, read_region
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.one_hot import read_one_hot
from components.imaging.truth.settings import Mask
from components.imaging.truth.shapes import Ellipse, Shape, rasterized

CLASSES = ("tumour", "stroma")
TRUTH = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
COLOURS = {"#000000": "background", "#ff0000": "tumour", "#00ff00": "stroma"}
RED_GREEN = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
ONE_HOT = np.eye(3, dtype=np.uint8)[TRUTH]
LIMIT = Limits(10_000)


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def paletted(path: Path, indices: np.ndarray, bits: int = 8) -> Path:
    image = Image.fromarray(indices, "P")
    image.putpalette(RED_GREEN.tobytes())
    image.save(path, bits=bits)
    return path


def test_a_binary_mask(tmp_path: Path) -> None:
    reading = read_mask(write(tmp_path / "m.png", png((TRUTH > 0) * np.uint8(255))), Mask(), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, TRUTH > 0)
    assert reading.inflation is None


BINARY = (TRUTH > 0).astype(np.uint8)
BLACK = np.zeros_like(BINARY)
BLACK_AND_WHITE = np.array([(0, 0, 0), (255, 255, 255)], np.uint8)


def transparent(indices: np.ndarray, colours: list[int]) -> bytes:
    """PNG with a palette of which entry 0 is transparent."""
    image = Image.fromarray(indices, "P")
    image.putpalette(colours)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=bytes([0, 255]))
    return buffer.getvalue()


def bmp_with_alpha(colours: np.ndarray, alpha: np.ndarray) -> bytes:
    rows = np.dstack([colours, colours, colours, alpha])[::-1]
    return bmp(colours.shape[::-1], 32, [row.tobytes() for row in rows])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(np.dstack([BLACK, BLACK, BLACK, 255 * BINARY])), id="RGBA, black"),
        pytest.param(png(np.dstack([~BLACK, ~BLACK, BLACK, 255 * BINARY])), id="RGBA, yellow"),
        pytest.param(png(np.dstack([BLACK, 65535 * BINARY.astype(np.uint16)]).astype(np.uint16)), id="LA, 16 bit"),
        pytest.param(png(np.dstack([~BLACK, 255 * BINARY])), id="LA, white"),
        pytest.param(transparent(BINARY, [0, 0, 0, 0, 0, 0]), id="palette of one colour"),
        pytest.param(gif(BINARY, np.zeros((2, 3), np.uint8), transparent=0), id="GIF of one colour"),
        pytest.param(bmp_with_alpha(BLACK, 255 * BINARY), id="BMP"),
        pytest.param(tiff(np.dstack([BLACK, BLACK, BLACK, 255 * BINARY]), tags={338: [2]}), id="TIFF, RGBA"),
        pytest.param(tiff(np.dstack([BLACK, 255 * BINARY]), tags={338: [2]}), id="TIFF, LA"),
    ],
)
def test_a_drawing_in_the_alpha_channel(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "m", content)
    reading = read_mask(path, Mask(), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, BINARY)
    assert reading.rule.endswith(" of its alpha channel")
    np.testing.assert_array_equal(read_region(path, LIMIT)[0], BINARY)
    if content[:2] != b"BM":
        colours = Mask(form="colours", colours={"#ffffff": "tumour", "#000000": "background"})
        if "uint16" not in str(decode_mask(content).pixels.dtype):
            np.testing.assert_array_equal(read_mask(path, colours, CLASSES, LIMIT).classes, BINARY)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(np.dstack([255 * BINARY] * 4)), id="RGBA, the same in both"),
        pytest.param(png(np.dstack([255 * BINARY] * 3 + [~BLACK])), id="RGBA, opaque"),
        pytest.param(png(np.dstack([255 * BINARY] * 3 + [BLACK])), id="RGBA, transparent"),
        pytest.param(transparent(BINARY, [0, 0, 0, 255, 255, 255]), id="palette, transparent background"),
        pytest.param(gif(BINARY, BLACK_AND_WHITE, transparent=0), id="GIF, transparent background"),
        pytest.param(gif(BINARY, BLACK_AND_WHITE), id="GIF"),
        pytest.param(bmp_with_alpha(255 * BINARY, BLACK), id="BMP, fourth byte unused"),
        pytest.param(tiff(np.dstack([255 * BINARY] * 3 + [~BLACK]), tags={338: [2]}), id="TIFF, opaque"),
    ],
)
def test_colours_that_tell_what_is_drawn(tmp_path: Path, content: bytes) -> None:
    reading = read_mask(write(tmp_path / "m", content), Mask(), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, BINARY)
    assert "alpha" not in reading.rule


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(np.dstack([~BLACK, ~BLACK, ~BLACK, BLACK])), id="RGBA, white"),
        pytest.param(png(np.dstack([BLACK, BLACK, BLACK, BLACK])), id="RGBA, black"),
        pytest.param(png(np.dstack([~BLACK, BLACK])), id="LA"),
        pytest.param(transparent(BLACK, [255, 255, 255, 0, 0, 0]), id="palette"),
        pytest.param(tiff(np.dstack([~BLACK, ~BLACK, ~BLACK, BLACK]), tags={338: [2]}), id="TIFF"),
    ],
)
def test_nothing_is_drawn_where_one_colour_is_transparent_everywhere(tmp_path: Path, content: bytes) -> None:
    assert not read_mask(write(tmp_path / "m", content), Mask(), (), LIMIT).classes.any()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(np.dstack([~BLACK, ~BLACK])), id="LA, opaque"),
        pytest.param(png(np.dstack([~BLACK, ~BLACK, ~BLACK, BLACK + np.uint8(128)])), id="RGBA, half transparent"),
        pytest.param(bmp_with_alpha(~BLACK, BLACK), id="BMP, fourth byte unused"),
    ],
)
def test_one_colour_that_can_be_seen_is_the_mask(tmp_path: Path, content: bytes) -> None:
    assert read_mask(write(tmp_path / "m", content), Mask(), (), LIMIT).classes.all()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(np.dstack([255 * BINARY] * 3 + [255 - 255 * BINARY])), id="RGBA, the other way round"),
        pytest.param(png(np.dstack([255 * BINARY, 255 * BINARY[::-1]])), id="LA"),
        pytest.param(png(np.dstack([255 * BINARY, 100 * TRUTH + 55])), id="LA, in steps"),
        pytest.param(gif(BINARY, BLACK_AND_WHITE, transparent=1), id="GIF, the other way round"),
        pytest.param(bmp_with_alpha(255 * BINARY, 255 * BINARY[::-1]), id="BMP"),
        pytest.param(tiff(np.dstack([255 * BINARY] * 3 + [255 * BINARY[::-1]]), tags={338: [2]}), id="TIFF"),
    ],
)
def test_two_drawings_in_one_file_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableImage, match="one drawing in its colours and another in its alpha channel"):
        read_mask(write(tmp_path / "m", content), Mask(), (), LIMIT)


def test_palette_entries_are_classes_whatever_is_transparent(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", transparent(BINARY, [0, 0, 0, 0, 0, 0]))
    np.testing.assert_array_equal(read_mask(path, Mask(form="indices"), (), LIMIT).classes, BINARY)


def test_alpha_is_turned_as_colours_are(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.dstack([BLACK, 255 * BINARY]), "LA").save(buffer, "PNG", exif=exif)
    path = write(tmp_path / "m.png", buffer.getvalue())
    reading = read_mask(path, Mask(), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, np.rot90(BINARY, -1))
    assert reading.orientation == 6
    np.testing.assert_array_equal(read_mask(path, Mask(), (), LIMIT, upright=False).classes, BINARY)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("value", "limit"), [(0, 9), (1, 254)])
@pytest.mark.parametrize("form", ["binary", "indices"])
def test_what_was_padding_of_the_image_is_truth_in_its_mask(
    tmp_path: Path, photometric: str, value: int, limit: int, form: Any
) -> None:
    """A mask that was saved with the header of its image: of a mask every value is meant."""
    padding = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    stored = 255 - BINARY if photometric == "MONOCHROME1" else BINARY
    path = write(tmp_path / "m.dcm", dicom(stored, PhotometricInterpretation=photometric, **padding))
    np.testing.assert_array_equal(read_mask(path, Mask(form=form), (), LIMIT).classes, BINARY)
    np.testing.assert_array_equal(read_region(path, LIMIT)[0], BINARY)
    empty = write(tmp_path / "empty.dcm", dicom(BLACK, **padding))
    assert not read_mask(empty, Mask(form=form), (), LIMIT).classes.any()


@pytest.mark.parametrize("threshold", [None, 128, "otsu"])
def test_foreground_may_be_what_is_dark(tmp_path: Path, threshold: Any) -> None:
    path = write(tmp_path / "m.png", png(255 - 255 * BINARY))
    reading = read_mask(path, Mask(foreground="dark", threshold=threshold), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, BINARY)
    level = {None: "grey value 0", 128: "grey values below 128", "otsu": "grey values below a threshold (otsu)"}
    assert reading.rule == level[threshold]


def test_what_is_ignored_is_not_dark(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", png(np.array([[0, 255, 7]], np.uint8)))
    reading = read_mask(path, Mask(foreground="dark", ignore=7), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, [[1, 0, 255]])


def test_what_is_outside_of_a_region_is_no_foreground(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", png(np.array([[0, 255, 255]], np.uint8)))
    reading = read_mask(path, Mask(foreground="dark"), (), LIMIT, np.array([[False, True, True]]))
    np.testing.assert_array_equal(reading.classes, [[255, 0, 0]])
    assert reading.rule == ""


def test_the_inflation_of_dark_foreground(tmp_path: Path) -> None:
    truth = rasterized(64, 64, [Shape(Ellipse(30, 30, 9, 9))])
    _, jpg = cv2.imencode(".jpg", 255 - truth * 255, [cv2.IMWRITE_JPEG_QUALITY, 75])
    reading = read_mask(write(tmp_path / "m.jpg", jpg.tobytes()), Mask(foreground="dark", threshold=128), (), LIMIT)
    assert reading.inflation == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("colour", [False, True])
def test_a_jpeg_mask_tells_its_inflation(tmp_path: Path, colour: bool) -> None:
    truth = rasterized(64, 64, [Shape(Ellipse(30, 30, 9, 9))])
    pixels = np.dstack([truth * 255] * 3) if colour else truth * 255
    _, jpg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
    path = write(tmp_path / "m.jpg", jpg.tobytes())
    for threshold, least, most in ((1, 1.3, 2), (128, 0.99, 1.01), ("otsu", 0.99, 1.01)):
        reading = read_mask(path, Mask(threshold=threshold), (), LIMIT)
        assert reading.inflation == pytest.approx(reading.classes.sum() / truth.sum(), rel=0.01)
        assert least < reading.inflation < most
    with pytest.raises(UnclearMask, match=r"JPEG.*\[data.mask\] threshold"):
        read_mask(path, Mask(), (), LIMIT)


@pytest.mark.parametrize("form", ["indices", "instances"])
def test_a_jpeg_mask_has_no_indices(tmp_path: Path, form: Any) -> None:
    _, jpg = cv2.imencode(".jpg", TRUTH)
    with pytest.raises(UnclearMask, match=f'JPEG.*form = "{form}"'):
        read_mask(write(tmp_path / "m.jpg", jpg.tobytes()), Mask(form=form), CLASSES, LIMIT)


@pytest.mark.parametrize("bits", [2, 8])
def test_palette_entries_are_classes_whatever_their_colours(tmp_path: Path, bits: int) -> None:
    path = paletted(tmp_path / "m.png", TRUTH, bits)
    np.testing.assert_array_equal(read_mask(path, Mask(form="indices"), CLASSES, LIMIT).classes, TRUTH)
    with pytest.raises(UnclearMask, match='or form = "indices" where a palette'):
        read_mask(path, Mask(), CLASSES, LIMIT)


def test_grey_values_are_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", png(TRUTH))
    np.testing.assert_array_equal(read_mask(path, Mask(form="indices"), CLASSES, LIMIT).classes, TRUTH)
    with pytest.raises(UnclearMask, match="values 0, 1, 2, expected class indices from 0 to 1"):
        read_mask(path, Mask(form="indices"), (), LIMIT)


def test_gray_values_of_three_channels_are_indices(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", png(np.dstack([TRUTH] * 3)))
    np.testing.assert_array_equal(read_mask(path, Mask(form="indices"), CLASSES, LIMIT).classes, TRUTH)


GREYS = np.array([64, 128, 255], np.uint8)
LEVELS = {"64": "background", "128": "tumour", "255": "stroma"}


def grey_palette(path: Path, indices: np.ndarray) -> bytes:
    image = Image.fromarray(indices, "P")
    image.putpalette(np.repeat(GREYS, 3).tobytes())
    image.save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _: png(GREYS[TRUTH]), id="PNG"),
        pytest.param(lambda _: png(np.dstack([GREYS[TRUTH]] * 3)), id="RGB"),
        pytest.param(lambda _: tiff(GREYS[TRUTH].astype(np.uint16)), id="16-bit TIFF"),
        pytest.param(lambda path: grey_palette(path, TRUTH), id="palette of greys"),
        pytest.param(lambda _: gif(TRUTH, np.repeat([*GREYS, 0], 3).astype(np.uint8).reshape(4, 3)), id="GIF"),
    ],
)
def test_levels_are_classes_by_name(tmp_path: Path, make: Any) -> None:
    path = write(tmp_path / "m", make(tmp_path / "made.png"))
    reading = read_mask(path, Mask(form="levels", levels=LEVELS), CLASSES, LIMIT)
    np.testing.assert_array_equal(reading.classes, TRUTH)
    assert reading.rule.startswith("grey values 128, 255")
    ignored = Mask(form="levels", levels=LEVELS | {"255": "ignore"})
    np.testing.assert_array_equal(read_mask(path, ignored, CLASSES, LIMIT).classes, np.array([0, 1, 255])[TRUTH])


def test_levels_of_a_palette_of_colours_are_its_entries(tmp_path: Path) -> None:
    levels = {"0": "background", "2": "tumour", "1": "stroma"}
    reading = read_mask(paletted(tmp_path / "m.png", TRUTH), Mask(form="levels", levels=levels), CLASSES, LIMIT)
    np.testing.assert_array_equal(reading.classes, np.array([0, 2, 1])[TRUTH])


def test_levels_of_a_jpeg_are_the_nearest(tmp_path: Path) -> None:
    truth = rasterized(64, 64, [Shape(Ellipse(30, 30, 9, 9))])
    _, jpg = cv2.imencode(".jpg", np.dstack([GREYS[truth]] * 3), [cv2.IMWRITE_JPEG_QUALITY, 75])
    reading = read_mask(write(tmp_path / "m.jpg", jpg.tobytes()), Mask(form="levels", levels=LEVELS), CLASSES, LIMIT)
    np.testing.assert_array_equal(reading.classes, truth)
    assert (reading.inflation, reading.stray, reading.rule) == (1, 0, "grey values near 128, 255")


def test_levels_within_a_region(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", png(np.array([[7, 64, 128]], np.uint8)))
    region = np.array([[False, True, True]])
    reading = read_mask(path, Mask(form="levels", levels=LEVELS | {"40000": "stroma"}), CLASSES, LIMIT, region)
    np.testing.assert_array_equal(reading.classes, [[255, 0, 1]])
    assert reading.stray == 0


def test_levels_that_say_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnclearMask, match=r"\[data\] mask.form 'levels' needs mask.levels"):
        read_mask(write(tmp_path / "m.png", png(TRUTH)), Mask(form="levels"), CLASSES, LIMIT)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_numbered_objects_are_foreground_and_counted(tmp_path: Path, dtype: type) -> None:
    """Two that touch each other are one region, and two objects."""
    most = np.iinfo(dtype).max
    numbers = np.array([[0, 1, 1, most], [0, 0, 0, 9]], dtype)
    path = write(tmp_path / "m.png", png(numbers))
    reading = read_mask(path, Mask(form="instances"), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, numbers > 0)
    assert reading.rule == "values above 0, 3 objects"
    reading = read_mask(path, Mask(form="instances", ignore=most), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, [[0, 1, 1, 255], [0, 0, 0, 1]])
    assert reading.rule == "values above 0, 2 objects"


def test_palette_entries_number_objects(tmp_path: Path) -> None:
    reading = read_mask(paletted(tmp_path / "m.png", BINARY), Mask(form="instances"), (), LIMIT)
    np.testing.assert_array_equal(reading.classes, BINARY)
    assert reading.rule == "values above 0, 1 object"


@pytest.mark.parametrize("palette", [False, True])
def test_colours_are_classes_by_name(tmp_path: Path, palette: bool) -> None:
    path = tmp_path / "m.png"
    if palette:
        paletted(path, TRUTH)
    else:
        write(path, png(RED_GREEN[TRUTH]))
    settings = Mask(form="colours", colours=COLOURS)
    np.testing.assert_array_equal(read_mask(path, settings, CLASSES, LIMIT).classes, TRUTH)
    np.testing.assert_array_equal(read_mask(path, settings, CLASSES[::-1], LIMIT).classes, [[0, 2, 1], [1, 2, 0]])


def test_without_classes_a_colour_is_foreground(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", png(RED_GREEN[TRUTH % 2]))
    colours = {"#000000": "background", "#ff0000": "foreground"}
    np.testing.assert_array_equal(read_mask(path, Mask(form="colours", colours=colours), (), LIMIT).classes, TRUTH % 2)


@pytest.mark.parametrize("colours", [{}, {"#ff0000": "fat"}, {"red": "tumour"}, {"#ff00": "tumour"}])
def test_colours_that_say_nothing_are_refused(tmp_path: Path, colours: dict[str, str]) -> None:
    path = write(tmp_path / "m.png", png(RED_GREEN[TRUTH]))
    with pytest.raises(UnclearMask, match=r"\[data\] mask.*(needs mask.colours|background, .*stroma|a colour like)"):
        read_mask(path, Mask(form="colours", colours=colours), CLASSES, LIMIT)


def test_a_one_hot_mask(tmp_path: Path) -> None:
    path = npz(tmp_path / "m.npz", mask=ONE_HOT)
    np.testing.assert_array_equal(read_mask(path, Mask(form="one_hot"), CLASSES, LIMIT).classes, TRUTH)


@pytest.mark.parametrize(("name", "form"), [("m.png", "one_hot"), ("m.jpg", "one_hot"), ("m.npz", "indices")])
def test_npz_files_and_one_hot_belong_together(tmp_path: Path, name: str, form: str) -> None:
    with pytest.raises(UnclearMask, match=rf'\[data.mask\] form = "{form}" does not fit'):
        read_mask(tmp_path / name, Mask(form=form), CLASSES, LIMIT)


def test_a_missing_array_is_named_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(UnclearMask, match=r"no array `mask`, but labels.npy"):
        read_one_hot(npz(tmp_path / "m.npz", labels=ONE_HOT), 3, LIMIT.pixels)


@pytest.mark.parametrize(
    "array",
    [
        ONE_HOT[..., :2],
        ONE_HOT[..., 0],
        ONE_HOT.astype("U1"),
        np.rollaxis(np.hstack([ONE_HOT] * 2), 2),
        ONE_HOT.astype(complex),
    ],
    ids=["too few channels", "no channels", "text", "channels first", "complex"],
)
def test_an_array_of_another_shape_or_type_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(UnclearMask, match=r"expected numbers of the shape \(height, width, 3\)"):
        read_one_hot(npz(tmp_path / "m.npz", mask=array), 3, LIMIT.pixels)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    with pytest.raises(UnclearMask, match="of object, expected numbers"):
        read_one_hot(npz(tmp_path / "m.npz", mask=ONE_HOT.astype(object)), 3, LIMIT.pixels)


def test_a_header_of_too_many_pixels_is_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    """A file of 200 bytes that claims 10^12 pixels."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6, 3)})
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("mask.npy", header.getvalue())
    with pytest.raises(UnreadableImage, match="1000000 x 1000000 pixels"):
        read_one_hot(tmp_path / "m.npz", 3, LIMIT.pixels)


@pytest.mark.parametrize("limit", [5, 6])
def test_the_limit_counts_pixels(tmp_path: Path, limit: int) -> None:
    path, palette = npz(tmp_path / "m.npz", mask=ONE_HOT), paletted(tmp_path / "m.png", TRUTH)
    if limit == 6:
        assert read_one_hot(path, 3, limit).shape == (2, 3, 3)
        np.testing.assert_array_equal(read_mask(palette, Mask(form="indices"), CLASSES, Limits(limit)).classes, TRUTH)
    else:
        with pytest.raises(UnreadableImage, match="3 x 2 pixels"):
            read_one_hot(path, 3, limit)
        with pytest.raises(UnreadableImage, match="3 x 2 = 6 pixels"):
            read_mask(palette, Mask(form="indices"), CLASSES, Limits(limit))


def test_the_limit_counts_bytes_of_many_classes(tmp_path: Path) -> None:
    path = npz(tmp_path / "m.npz", mask=ONE_HOT.astype(np.float64))
    assert read_one_hot(path, 3, 18).shape == (2, 3, 3)
    with pytest.raises(UnreadableImage, match=r"3 x 2 pixels of 3 float64, .* store bool or uint8"):
        read_one_hot(path, 3, 17)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_file_is_refused_or_read_never_a_crash(tmp_path: Path, save: Any) -> None:
    rng = np.random.default_rng(0)
    save(tmp_path / "m.npz", mask=ONE_HOT)
    content = (tmp_path / "m.npz").read_bytes()
    refused = 0
    for trial in range(400):
        damaged = bytearray(content)
        damaged[rng.integers(0, len(content))] ^= int(rng.integers(1, 256))
        path = write(tmp_path / "d.npz", bytes(damaged[: rng.integers(0, len(content))] if trial % 4 == 0 else damaged))
        try:
            read_one_hot(path, 3, LIMIT.pixels)
        except (UnreadableImage, UnclearMask):
            refused += 1
    assert refused > 200


def _member(path: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("mask.npy", content)
    return path


def _npy(header: str) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(18)


def _damaged_lzma(path: Path) -> Path:
    content = bytearray(_member(path, _npy("{}"), zipfile.ZIP_LZMA).read_bytes())
    start = content.index(b"mask.npy") + len("mask.npy") + 9
    content[start : start + 8] = b"\xff" * 8
    return write(path, bytes(content))


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (_damaged_lzma, "Corrupt input data"),
        (lambda path: _member(path, _npy("-" * 9_000 + "1")), "not a whole .npz file: .+"),
        (
            lambda path: _member(path, _npy("{'descr': '|u1', 'fortran_order': False, 'shape': (True, 3, 3)}")),
            "not a whole .npz file: .+|1 x",
        ),
        (lambda path: _member(path, _npy("[" * 9_000)), "not a whole .npz file: .+"),
        (lambda path: _member(path, _npy("{'descr': ('u1',) * 9, 'fortran_order': 0}")), "not a whole .npz file: .+"),
    ],
    ids=["LZMA", "nested signs", "a boolean in the shape", "nested lists", "no type"],
)
def test_whatever_breaks_a_parser_is_the_named_reject(tmp_path: Path, make: Any, cause: str) -> None:
    with pytest.raises((UnreadableImage, UnclearMask), match=cause):
        read_one_hot(make(tmp_path / "m.npz"), 3, LIMIT.pixels)


@pytest.mark.parametrize("form", ["one_hot", "indices", "binary", "colours"])
def test_a_missing_file_is_named(tmp_path: Path, form: str) -> None:
    path = tmp_path / ("m.npz" if form == "one_hot" else "m.png")
    with pytest.raises(UnreadableImage, match=r"No such file"):
        read_mask(path, Mask(form=form, colours=COLOURS), CLASSES, LIMIT)


def test_a_damaged_palette_image_is_refused(tmp_path: Path) -> None:
    content = paletted(tmp_path / "m.png", np.zeros((300, 300), np.uint8)).read_bytes()
    for cut in (0, 20, len(content) // 2, len(content) - 30):
        with pytest.raises(UnreadableImage):
            read_mask(write(tmp_path / "d.png", content[:cut]), Mask(form="indices"), CLASSES, LIMIT)
