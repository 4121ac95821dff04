"""Padding of DICOM images, PS3.3 C.7.5.1.1.2: the darkest level, and no part of the range of an image's values."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_files import EIGHT, TWELVE, check, dicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from components.imaging.files.codecs import UnreadableImage, decode_image

PADDED = np.array([[0, 0, 300], [0, 4000, 4095]], np.uint16)
"""12 bits; 0 is padding."""
HIGH = np.array([[65535, 65535, 300], [60000, 4000, 4095]], np.uint16)
"""Tissue of 12 bits beside padding of 60000 to 65535."""
MR = np.array([[-2000, -2000, 0], [-1500, 40, 3071]], np.int16)


def test_padding_is_dark_where_more_is_darker() -> None:
    content = dicom(PADDED, 12, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0)
    check(decode_image(content), [[0, 0, 3795], [0, 95, 0]])
    check(decode_image(content, dicom_window=True), np.rint(np.array([[0, 0, 3795], [0, 95, 0]]) / 4095 * 65535))
    small = dicom(EIGHT, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0)
    check(decode_image(small), [[0, 254, 253], [128, 127, 0]], np.uint8)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(("value", "limit"), [(65535, 60000), (60000, 65535), (65535, 65535)])
def test_the_range_is_between_both_values_whichever_is_the_larger(value: int, limit: int, syntax: str) -> None:
    content = dicom(HIGH, syntax=syntax, PixelPaddingValue=value, PixelPaddingRangeLimit=limit)
    check(decode_image(content), [[0, 0, 300], [0 if 60000 in (value, limit) else 60000, 4000, 4095]])


def test_a_range_includes_both_of_its_ends() -> None:
    content = dicom(TWELVE, 12, PixelPaddingValue=2000, PixelPaddingRangeLimit=4094)
    check(decode_image(content), [[0, 1, 0], [0, 0, 4095]])


def test_negative_padding_is_no_negative_value() -> None:
    content = dicom(MR, Modality="MR", PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1024)
    check(decode_image(content), [[0, 0, 0], [0, 40, 3071]])
    with pytest.raises(UnreadableImage, match=r"come to -1500 and 3071, expected 0 to 65535"):
        decode_image(dicom(MR, Modality="MR", PixelPaddingValue=-2000))


def test_hounsfield_units_do_not_move_with_padding() -> None:
    units = np.array([[-2000, -1024, -1000], [0, 40, 3071]], np.int16)
    content = dicom(units, Modality="CT", RescaleSlope="1", RescaleIntercept="0", PixelPaddingValue=-2000)
    check(decode_image(content), [[0, 0, 24], [1024, 1064, 4095]])
    bright = np.where(units == -2000, np.int16(32767), units)
    content = dicom(bright, Modality="CT", RescaleSlope="1", RescaleIntercept="0", PixelPaddingValue=32767)
    check(decode_image(content), [[0, 0, 24], [1024, 1064, 4095]])


def test_padding_beyond_16_bit_after_the_rescale_does_not_count() -> None:
    content = dicom(HIGH, RescaleSlope="2", RescaleIntercept="0", PixelPaddingValue=60000, PixelPaddingRangeLimit=65535)
    check(decode_image(content), [[0, 0, 600], [0, 8000, 8190]])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_does_not_brighten_padding(photometric: str) -> None:
    window = {"WindowCenter": "2048", "WindowWidth": "4096", "PhotometricInterpretation": photometric}
    content = dicom(HIGH, PixelPaddingValue=65535, PixelPaddingRangeLimit=60000, **window)
    shares = np.array([[0, 0, 300], [0, 4000, 4095]]) / 4095
    expected = np.where(HIGH >= 60000, 0, shares if photometric == "MONOCHROME2" else 1 - shares)
    check(decode_image(content, dicom_window=True), np.rint(expected * 65535))


def test_padding_may_lie_in_unused_bits() -> None:
    """65535 beside 12 stored bits, of which 4095 is a value."""
    stored = np.array([[65535, 0, 300], [65535, 4000, 4095]], np.uint16)
    check(decode_image(dicom(stored, 12, PixelPaddingValue=65535)), [[0, 0, 300], [0, 4000, 4095]])
    signed = np.array([[-2000, 0, 300], [-2000, 400, 511]], np.int16)
    check(decode_image(dicom(signed, 10, PixelPaddingValue=-2000, Modality="MR")), [[0, 0, 300], [0, 400, 511]])


def test_padding_of_the_other_sign_is_the_same_bits() -> None:
    """63536 is -2000 of 16 bits."""
    content = bytearray(dicom(MR, Modality="MR", PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1500))
    assert content.count(b"\x28\0\x20\1SS") == content.count(b"\x28\0\x21\1SS") == 1
    for element in (b"\x28\0\x20\1", b"\x28\0\x21\1"):
        content[content.index(element) + 4 : content.index(element) + 6] = b"US"
    check(decode_image(bytes(content)), [[0, 0, 0], [0, 40, 3071]])


def test_padding_that_no_pixel_has_changes_nothing() -> None:
    for value in (7, 65535):
        check(decode_image(dicom(TWELVE, 12, PixelPaddingValue=value)), TWELVE)
    check(decode_image(dicom(EIGHT, PixelPaddingValue=65535)), EIGHT, np.uint8)


def test_padding_alone_is_no_image() -> None:
    with pytest.raises(UnreadableImage, match="shows padding alone"):
        decode_image(dicom(TWELVE * 0, 12, PixelPaddingValue=0))


def test_the_mirror_stands_in_the_bits_that_padding_leaves_to_tissue() -> None:
    """16 bits are stored, of which padding alone needs four."""
    content = dicom(
        HIGH, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=65535, PixelPaddingRangeLimit=60000
    )
    check(decode_image(content), [[0, 0, 3795], [0, 95, 0]])
    check(decode_image(content, dicom_window=True), np.rint(np.array([[0, 0, 3795], [0, 95, 0]]) / 4095 * 65535))
    # The same of an image in which no pixel is padding; not where padding could be tissue, or bits are told.
    plain = dicom(TWELVE, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=65535)
    check(decode_image(plain), 4095 - TWELVE)
    low = dicom(TWELVE, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0)
    check(decode_image(low), np.where(TWELVE == 0, 0, 65535 - TWELVE))
    told = dicom(TWELVE // 8, 12, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=4095)
    check(decode_image(told), 4095 - TWELVE // 8)


@pytest.mark.parametrize("window", [False, True])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_tissue_beside_padding_keeps_its_contrast(photometric: str, window: bool) -> None:
    """What a model sees: less than a fifth of the contrast was left beside padding of 65535."""
    tissue = np.random.default_rng(0).integers(1000, 3000, (40, 40)).astype(np.uint16)
    tissue[:8] = 65535
    content = dicom(tissue, PixelPaddingValue=65535, PhotometricInterpretation=photometric)
    pixels = decode_image(content, dicom_window=window).astype(float)
    assert pixels[8:].std() / pixels.std() > 0.5
