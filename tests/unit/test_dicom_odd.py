"""DICOM files that are whole, and not as the standard has them: with empty elements, without preamble or syntax."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import EIGHT, RGB, SIGNED, TWELVE, check, dicom, lut
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)
from raw_images import write

from components.imaging.files.codecs import UnreadableImage, decode_image, read_image
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.header import header_of

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
OPTIONAL = (
    *(
        "RescaleSlope",
        "RescaleIntercept",
        "WindowCenter",
        "WindowWidth",
        "VOILUTFunction",
        "NumberOfFrames",
        "Modality",
    ),
    *("PixelPaddingValue", "LossyImageCompression", "ModalityLUTSequence", "VOILUTSequence", "PlanarConfiguration"),
)


def start_of_data(content: bytes) -> int:
    """Where the meta information of a file ends, by its first element, its length."""
    return 144 + int.from_bytes(content[140:144], "little")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("keyword", OPTIONAL)
@pytest.mark.parametrize("window", [False, True])
def test_empty_is_absent(keyword: str, syntax: UID, window: bool) -> None:
    without = decode_image(dicom(TWELVE, 12, syntax), dicom_window=window)
    empty = [] if keyword.endswith("Sequence") else None
    content = dicom(TWELVE, 12, syntax, set_empty={keyword: empty})
    check(decode_image(content, dicom_window=window), without)


def test_all_that_is_optional_may_be_empty(tmp_path: Path) -> None:
    empty = {keyword: [] if keyword.endswith("Sequence") else None for keyword in OPTIONAL}
    path = write(tmp_path / "a.dcm", dicom(TWELVE, 12, set_empty=empty))
    check(read_image(path), TWELVE)
    assert not header_of(path.read_bytes()).lossy


@pytest.mark.parametrize(
    ("rescale", "expected"),
    [
        ({"RescaleSlope": "", "RescaleIntercept": "-1024"}, np.maximum(TWELVE.astype(int), 0)),
        ({"RescaleIntercept": "-1024"}, np.maximum(TWELVE.astype(int), 0)),
        ({"RescaleSlope": "2", "RescaleIntercept": ""}, 2 * TWELVE.astype(int) + 1024),
    ],
    ids=["empty slope", "no slope", "empty intercept"],
)
def test_of_half_a_rescale_the_other_half_is_one_or_zero(rescale: dict[str, str], expected: np.ndarray) -> None:
    check(decode_image(dicom(TWELVE, 12, Modality="CT", **rescale)), expected)


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        ("PhotometricInterpretation", r"Photometric Interpretation \(0028,0004\)"),
        ("BitsStored", r"Bits Stored \(0028,0101\)"),
        ("BitsAllocated", r"Bits Allocated \(0028,0100\)"),
        ("PixelRepresentation", r"Pixel Representation \(0028,0103\)"),
        ("SamplesPerPixel", r"Samples per Pixel \(0028,0002\)"),
        ("Rows", r"Rows \(0028,0010\)"),
        ("Columns", r"Columns \(0028,0011\)"),
    ],
)
def test_what_pixels_need_is_named_where_it_is_missing(keyword: str, name: str) -> None:
    for content in (dicom(TWELVE, 12, set_empty={keyword: None}), dicom(TWELVE, 12, **{keyword: None})):
        with pytest.raises(UnreadableImage, match=f"has no {name}, without which its pixels have no meaning"):
            decode_image(content)


def test_colours_need_to_say_how_they_lie() -> None:
    with pytest.raises(UnreadableImage, match=r"has no Planar Configuration \(0028,0006\)"):
        decode_image(dicom(RGB, PlanarConfiguration=None))


def test_no_pixels_are_named() -> None:
    with pytest.raises(UnreadableImage, match=r"has no pixel data \(modality MG\)"):
        decode_image(dicom(EIGHT, PixelData=b"", Modality="MG"))


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 16])
@pytest.mark.parametrize("window", [False, True])
def test_a_modality_table_of_any_depth_is_looked_up(bits: int, window: bool) -> None:
    table = lut([256, 0, bits], [min(2**bits - 1, 3 * value) for value in range(256)])
    content = dicom(EIGHT, ModalityLUTSequence=table, WindowCenter="128", WindowWidth="256")
    expected = np.minimum(2**bits - 1, 3 * EIGHT.astype(int))
    if window:
        check(decode_image(content, dicom_window=True), np.minimum(expected, 255), np.uint8)
    else:
        check(decode_image(content), expected, np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_preamble_may_be_missing(syntax: UID, tmp_path: Path) -> None:
    path = write(tmp_path / "IM000001", dicom(TWELVE, 12, syntax)[132:])
    check(read_image(path), TWELVE)
    assert not header_of(path.read_bytes()).lossy


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_meta_information_may_be_missing(syntax: UID, tmp_path: Path) -> None:
    content = dicom(TWELVE, 12, syntax)
    path = write(tmp_path / "IM000001", content[start_of_data(content) :])
    check(read_image(path), TWELVE)
    assert not header_of(path.read_bytes()).lossy


def test_a_transfer_syntax_may_be_missing() -> None:
    content = dicom(SIGNED, Modality="CT", RescaleSlope="1", RescaleIntercept="0")
    meta = b"\2\0\0\0UL\4\0\0\0\0\0"
    for start in (content[:128] + b"DICM" + meta, content[:128] + b"DICM", meta):
        check(decode_image(start + content[start_of_data(content) :]), [[0, 0, 24], [1024, 1064, 4095]])


def test_a_compression_that_is_not_named_is_refused() -> None:
    content = dicom(EIGHT, syntax=JPEGBaseline8Bit, PixelData=encapsulate([b"\xff\xd8\xff\xd9"]))
    with pytest.raises(UnreadableImage, match=r"compressed pixels and no Transfer Syntax UID \(0002,0010\)"):
        decode_image(content[start_of_data(content) :])


def test_every_cut_of_a_file_without_preamble_is_refused() -> None:
    content = dicom(TWELVE, 12)
    content = content[start_of_data(content) :]
    for length in range(len(content)):
        with pytest.raises(UnreadableImage):
            decode_image(content[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 200,
        b"\2\0",
        b"\x08\0\x08\0",
        b"\x08\0\x08\0zz\4\0",
        b"\x08\0\x08\0\xff\xff\xff\xff",
        b"\2\0\0\0\4\0\0\0",
        b"\0\0\2\0" + b"\0" * 40,  # Targa
        b"\0\0\1\0" + b"\0" * 40,  # icon
        b"\x89PNG\r\n\x1a\n",
        b"II*\0\x08\0\0\0",
        b"DICM",
        b"\0" * 127 + b"DICM",
    ],
)
def test_other_files_are_no_dicom(content: bytes) -> None:
    assert not is_dicom(content)
