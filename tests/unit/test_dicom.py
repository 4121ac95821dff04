"""Tiny DICOM files with worked values; what other programs wrote, where pydicom brings it; what is refused."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from dicom_files import EIGHT, RGB, SIGNED, TWELVE, check, dicom, lut
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_windowing
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)
from raw_images import write

from components.imaging.files.codecs import (
    Limits,
    TooManyPixels,
    UnreadableImage,
    decode_image,
    decode_indices,
    read_image,
)
from components.imaging.files.header import header_of


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_stored_values_stay(syntax: UID) -> None:
    check(decode_image(dicom(EIGHT, syntax=syntax)), EIGHT, np.uint8)
    check(decode_image(dicom(TWELVE, 12, syntax)), TWELVE)
    check(decode_image(dicom(TWELVE * 16, syntax=syntax)), TWELVE * 16)
    check(decode_image(dicom(RGB, syntax=syntax)), RGB, np.uint8)


@pytest.mark.parametrize("name", ["film.dcm", "film.dicom", "film", "film.png"])
def test_a_dicom_file_is_known_by_its_mark(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, dicom(TWELVE, 12))
    check(read_image(path), TWELVE)
    check(decode_indices(path.read_bytes()), TWELVE)


def test_more_is_brighter() -> None:
    inverted = dicom(TWELVE, 12, PhotometricInterpretation="MONOCHROME1")
    check(decode_image(inverted), 4095 - TWELVE)
    check(decode_image(dicom(EIGHT, PhotometricInterpretation="MONOCHROME1")), 255 - EIGHT, np.uint8)


def test_the_mirror_stands_in_the_rescaled_range() -> None:
    # Stored 0 to 4095 are 10 to 4105.
    content = dicom(TWELVE, 12, PhotometricInterpretation="MONOCHROME1", RescaleSlope="1", RescaleIntercept="10")
    check(decode_image(content), 4105 - TWELVE)


def test_rescale_is_applied() -> None:
    # 2 x 4095 + 10 = 8200
    check(
        decode_image(dicom(TWELVE, 12, RescaleSlope="2", RescaleIntercept="10")), [[10, 12, 4010], [4104, 8198, 8200]]
    )
    # 510 does not fit into 8 bits.
    check(decode_image(dicom(EIGHT, RescaleSlope="2", RescaleIntercept="0")), EIGHT.astype(int) * 2)
    # Falling: 300 - 255 = 45.
    check(decode_image(dicom(EIGHT, RescaleSlope="-1", RescaleIntercept="300")), 300 - EIGHT.astype(int))


def test_the_type_is_that_of_the_range_not_of_the_values() -> None:
    check(decode_image(dicom(TWELVE // 4095, 12)), TWELVE // 4095)
    check(decode_image(dicom(EIGHT.astype(np.uint16), 8)), EIGHT, np.uint8)


def test_slopes_above_one_are_rounded_and_merge_nothing() -> None:
    # 0, 1.25, 2.5, 3.75; then 0.5, 1.5, 2.5, 3.5
    values = np.arange(4, dtype=np.uint16).reshape(2, 2)
    check(decode_image(dicom(values, 12, RescaleSlope="1.25", RescaleIntercept="0")), [[0, 1], [3, 4]])
    check(decode_image(dicom(values, 12, RescaleSlope="1", RescaleIntercept="0.5")), [[1, 2], [3, 4]])


def test_hounsfield_units_are_the_same_whatever_the_scanner_stored() -> None:
    expected = [[0, 0, 24], [1024, 1064, 4095]]
    signed = dicom(SIGNED, Modality="CT", RescaleSlope="1", RescaleIntercept="0")
    check(decode_image(signed), expected)
    # Stored from 0 with the usual intercept; the padding of -2000 cannot be stored.
    unsigned = np.maximum(SIGNED + 1024, 0).astype(np.uint16)
    check(decode_image(dicom(unsigned, 12, Modality="CT", RescaleSlope="1", RescaleIntercept="-1024")), expected)
    both = dicom((SIGNED + 1024).astype(np.int16), Modality="CT", RescaleSlope="1", RescaleIntercept="-1024")
    check(decode_image(both), expected)


def test_signed_values_that_are_not_negative_stay() -> None:
    check(decode_image(dicom(TWELVE.astype(np.int16), Modality="MR")), TWELVE)


def test_negative_values_outside_ct_are_refused() -> None:
    with pytest.raises(UnreadableImage, match=r"come to -2000 and 3071, expected 0 to 65535.*dicom_window"):
        decode_image(dicom(SIGNED, Modality="MR"))


def test_values_beyond_16_bit_are_refused() -> None:
    with pytest.raises(UnreadableImage, match="extremes come to 0 and 81900, expected 0 to 65535"):
        decode_image(dicom(TWELVE, 12, RescaleSlope="20", RescaleIntercept="0"))


@pytest.mark.parametrize("slope", ["0.5", "0", "nan"])
def test_slopes_that_merge_values_are_refused(slope: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of nan, here and where a file holds it
        content = dicom(TWELVE, 12, RescaleSlope=slope, RescaleIntercept="0")
        with pytest.raises(UnreadableImage, match=f"has a rescale slope of {slope}, which would merge values"):
            decode_image(content)


def test_a_modality_table_is_looked_up() -> None:
    table = lut([256, 0, 16], [1000 + 3 * value for value in range(256)])
    check(decode_image(dicom(EIGHT, ModalityLUTSequence=table)), 1000 + 3 * EIGHT.astype(int))


def test_values_in_unused_bits_do_not_count() -> None:
    check(decode_image(dicom(TWELVE | 0xF000, 12)), TWELVE)


def test_the_window_spans_the_whole_range() -> None:
    # LINEAR, PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5); with c = 2048, w = 4096: x / 4095
    content = dicom(TWELVE, 12, WindowCenter="2048", WindowWidth="4096")
    check(decode_image(content, dicom_window=True), [[0, 16, 32007], [32759, 65519, 65535]])
    # c = 101, w = 3: black up to 99.5, white above 101.5, 100 at 0.25, 101 at 0.75 of 255
    values = np.array([[0, 99, 100], [101, 102, 255]], np.uint8)
    content = dicom(values, WindowCenter="101", WindowWidth="3")
    check(decode_image(content, dicom_window=True), [[0, 0, 64], [191, 255, 255]], np.uint8)


def test_without_asking_there_is_no_window(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", dicom(TWELVE, 12, WindowCenter="2048", WindowWidth="2"))
    check(read_image(path), TWELVE)
    check(read_image(path, dicom_window=True), [[0, 0, 0], [0, 65535, 65535]])


def test_of_several_windows_the_first_is_taken() -> None:
    content = dicom(EIGHT, WindowCenter=["128", "10"], WindowWidth=["256", "2"])
    check(decode_image(content, dicom_window=True), EIGHT, np.uint8)


def test_the_window_is_in_rescaled_values_and_inverted_last() -> None:
    window = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "WindowCenter": "40", "WindowWidth": "401"}
    # Black up to 40 - 0.5 - 200 HU, white from 239.5; 40 HU at 200.5 / 400.
    stored = np.array([[0, 1024 - 161, 1064], [1264, 3000, 4095]], np.uint16)
    expected = np.array([[0, 0, 32849], [65535, 65535, 65535]])
    check(decode_image(dicom(stored, 12, Modality="CT", **window), dicom_window=True), expected)
    inverted = dicom(stored, 12, Modality="CT", PhotometricInterpretation="MONOCHROME1", **window)
    check(decode_image(inverted, dicom_window=True), 65535 - expected)


def test_without_a_window_the_stored_bits_span_the_range() -> None:
    check(decode_image(dicom(TWELVE, 12), dicom_window=True), np.rint(TWELVE / 4095 * 65535))
    check(decode_image(dicom(SIGNED), dicom_window=True), SIGNED.astype(int) + 32768)
    small = dicom(TWELVE, 12, RescaleSlope="0.001", RescaleIntercept="-2")
    check(decode_image(small, dicom_window=True), np.rint(TWELVE / 4095 * 65535))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_those_of_pydicom(function: str) -> None:
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    content = dicom(values, 12, WindowCenter="1500", WindowWidth="777", VOILUTFunction=function)
    reference = apply_windowing(values, dcmread(io.BytesIO(content))) / 4095 * 65535
    np.testing.assert_allclose(decode_image(content, dicom_window=True), reference, atol=0.51)


def test_a_window_of_width_one_is_a_threshold() -> None:
    content = dicom(EIGHT, WindowCenter="128", WindowWidth="1")
    check(decode_image(content, dicom_window=True), np.where(EIGHT >= 128, 255, 0), np.uint8)


def test_a_window_table_is_looked_up() -> None:
    # 10 bits: 1023 is white.
    table = lut([256, 0, 10], [4 * value for value in range(255)] + [1023])
    content = dicom(EIGHT, VOILUTSequence=table)
    check(decode_image(content, dicom_window=True), np.rint([[0, 1.0, 2.0], [126.6, 127.6, 255]]), np.uint8)


def test_white_is_the_most_that_the_bits_of_a_window_table_hold() -> None:
    content = dicom(EIGHT, VOILUTSequence=lut([256, 0, 8], list(range(255, -1, -1))))
    check(decode_image(content, dicom_window=True), 255 - EIGHT, np.uint8)


@pytest.mark.parametrize("elements", [{"WindowWidth": "0"}, {"WindowWidth": "-5", "VOILUTFunction": "SIGMOID"}])
def test_a_window_without_width_is_refused(elements: dict[str, str]) -> None:
    with pytest.raises(UnreadableImage, match=r"has a window width of .*dicom_window = false"):
        decode_image(dicom(EIGHT, WindowCenter="1", **elements), dicom_window=True)


def test_a_rescale_to_one_value_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="not finite, or is of no width"):
        decode_image(dicom(EIGHT, RescaleSlope="0", RescaleIntercept="5"), dicom_window=True)


def test_colours_come_as_rgb() -> None:
    planes = np.ascontiguousarray(np.moveaxis(RGB, 2, 0)).tobytes()
    check(decode_image(dicom(RGB, PlanarConfiguration=1, PixelData=planes)), RGB, np.uint8)
    deep = RGB.astype(np.uint16) * 256 + 17
    check(decode_image(dicom(deep)), deep)
    # PS3.3 C.7.6.3.1.2: pure red (255, 0, 0) is Y 76, Cb 85, Cr 255 (clipped); grey has Cb = Cr = 128.
    ybr = np.array([[[76, 85, 255], [90, 128, 128]]], np.uint8)
    pixels = decode_image(dicom(ybr, PhotometricInterpretation="YBR_FULL"))
    np.testing.assert_allclose(pixels, [[[254, 0, 0], [90, 90, 90]]], atol=1)


def test_compressed_pixels_are_decoded() -> None:
    flat = np.full((16, 24), 90, np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(flat).save(buffer, "JPEG")
    content = dicom(flat, syntax=JPEGBaseline8Bit, PixelData=encapsulate([buffer.getvalue()]))
    np.testing.assert_allclose(decode_image(content), flat, atol=1)
    assert header_of(content).lossy


@pytest.mark.parametrize(("elements", "lossy"), [({}, False), ({"LossyImageCompression": "01"}, True)])
def test_a_lossy_past_is_told(elements: dict[str, str], lossy: bool) -> None:
    assert header_of(dicom(EIGHT, **elements)).lossy is lossy


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(dicom(EIGHT, NumberOfFrames="3"), "holds 3 frames, expected one", id="frames"),
        pytest.param(dicom(EIGHT, PixelData=None, Modality="SR"), r"has no pixel data \(modality SR\)", id="none"),
        pytest.param(dicom(EIGHT.astype(np.uint32)), "pixels of 32 bit, expected 8 or 16", id="32 bit"),
        pytest.param(dicom(EIGHT, PhotometricInterpretation="PALETTE COLOR"), "has PALETTE COLOR pixels", id="palette"),
        pytest.param(
            dicom(EIGHT, syntax=JPEGLosslessSV1, PixelData=encapsulate([b"\xff\xd8\xff\xd9"])),
            r"compressed as JPEG Lossless, .*\(1\.2\.840\.10008\.1\.2\.4\.70\), which is not read",
            id="no decoder",
        ),
        pytest.param(
            dicom(EIGHT, syntax=JPEGBaseline8Bit, PixelData=encapsulate([b"\xff\xd8\xff\xd9"])),
            "not a whole DICOM image, stored as JPEG Baseline",
            id="damaged JPEG",
        ),
        pytest.param(
            dicom(EIGHT, syntax=RLELossless, PixelData=encapsulate([b"\0" * 64])),
            "not a whole DICOM image, stored as RLE Lossless",
            id="damaged RLE",
        ),
        pytest.param(dicom(EIGHT, syntax=DeflatedExplicitVRLittleEndian), "stored as Deflated Explicit", id="deflated"),
        pytest.param(dicom(EIGHT, BitsStored=0), "not a whole DICOM image", id="no bits"),
        pytest.param(dicom(EIGHT, Rows=None), "not a whole DICOM image: .*Rows", id="no rows"),
        pytest.param(dicom(EIGHT, Rows=0), "claims 3 x 0 pixels", id="0 rows"),
        pytest.param(dicom(TWELVE, 12)[:-1], "not a whole DICOM image", id="last byte missing"),
        pytest.param(dicom(EIGHT)[:132], "not a whole DICOM image", id="mark only"),
        pytest.param(b"\0" * 128 + b"DICM" + b"\xff" * 100, "not a whole DICOM image", id="garbage"),
        pytest.param(
            dicom(EIGHT)[128:],
            "neither a PGM, PPM, PNG, JPEG, TIFF, BMP, GIF, DICOM, NIfTI nor an NRRD",
            id="half a mark",
        ),
    ],
)
def test_what_is_not_read_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = write(tmp_path / "image.dcm", content)
    for window in (False, True):
        with pytest.raises(UnreadableImage, match=reason):
            read_image(path, dicom_window=window)


def test_every_cut_is_refused() -> None:
    content = dicom(TWELVE, 12, Modality="CT", RescaleSlope="1", RescaleIntercept="-1024")
    for length in range(132, len(content)):
        with pytest.raises(UnreadableImage):
            decode_image(content[:length])


def test_a_claim_of_too_many_pixels_is_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", dicom(EIGHT, Rows=60000, Columns=50000))
    with pytest.raises(TooManyPixels, match=r"50000 x 60000 = 3000000000 pixels.*raise \[data\] max_megapixels"):
        read_image(path)
    assert read_image(write(tmp_path / "b.dcm", dicom(EIGHT)), limits=Limits(6)).shape == (2, 3)
    with pytest.raises(TooManyPixels, match="3 x 2 = 6 pixels"):
        read_image(tmp_path / "b.dcm", limits=Limits(5))


def of_pydicom(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"]
)
def test_one_film_in_other_encodings_has_equal_pixels(name: str) -> None:
    np.testing.assert_array_equal(read_image(of_pydicom(name)), read_image(of_pydicom("MR_small.dcm")))


def test_a_film_of_a_scanner_is_in_hounsfield_units() -> None:
    dataset = dcmread(of_pydicom("CT_small.dcm"))
    assert (dataset.RescaleSlope, dataset.RescaleIntercept) == (1, -1024)
    units = np.frombuffer(dataset.PixelData, "<i2").reshape(128, 128).astype(int) - 1024
    np.testing.assert_array_equal(read_image(of_pydicom("CT_small.dcm")).astype(int), np.maximum(units + 1024, 0))


@pytest.mark.parametrize("name", ["MR_truncated.dcm", "image_dfl.dcm", "rtdose.dcm"])
def test_odd_files_of_others_are_refused(name: str) -> None:
    with pytest.raises(UnreadableImage):
        read_image(of_pydicom(name))
