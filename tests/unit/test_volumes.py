"""NIfTI and NRRD files of one slice: values, axes, flips, spacing, and what is refused."""

from __future__ import annotations

import gzip
import struct
import sys
import tracemalloc
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from volume_files import affine, nifti, nrrd_file

from components.example_gen.outcome import outcome_of
from components.example_gen.samples import MaskFiles, Sample
from components.example_gen.settings import DataSettings
from components.imaging.files.codecs import (
    Limits,
    TooManyPixels,
    UnreadableImage,
    decode_image,
)
from components.imaging.files.header import Header, header_of

# As a viewer shows it: 2 rows, 3 columns. Values by the first axis, x, and the second.
SHOWN = np.array([[0, 1, 2], [127, 128, 255]], np.uint8)
GRID = SHOWN.T
X, Y, Z = np.eye(3)
SIGNS = [*product((1, -1), repeat=2)]


def laid(columns: int, rows: int) -> np.ndarray:
    """The grid `(3, 2)` as it stands in a file whose axes run with the shown ones (1) or against them (-1)."""
    return GRID[::columns, ::rows]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 1), (1, 3, 2), (3, 1, 2, 1)])
def test_the_first_axis_of_nifti_runs_along_columns(shape: tuple[int, ...], packed: bool) -> None:
    np.testing.assert_array_equal(decode_image(nifti(GRID.reshape(shape), packed=packed)), SHOWN)


@pytest.mark.parametrize(("columns", "rows"), SIGNS)
def test_a_nifti_slice_is_shown_from_the_patients_right_and_front(columns: int, rows: int) -> None:
    """NIfTI has x to the right, y to anterior: shown columns run along -x, rows along -y."""
    content = nifti(laid(columns, rows), affine([-columns * X, -rows * Y, Z]))
    np.testing.assert_array_equal(decode_image(content), SHOWN)
    np.testing.assert_array_equal(decode_image(content, upright=False), laid(columns, rows).T)


@pytest.mark.parametrize(("columns", "rows"), SIGNS)
def test_axes_that_change_places_are_put_back(columns: int, rows: int) -> None:
    content = nifti(laid(columns, rows).T, affine([-rows * Y, -columns * X, Z], (0.5, 0.25, 1)))
    np.testing.assert_array_equal(decode_image(content), SHOWN)
    assert header_of(content).spacing() == (0.5, 0.25)
    assert header_of(content).spacing(upright=False) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        pytest.param((3, 1, 2), [-X, Y, -Z], id="coronal: to the left, to inferior"),
        pytest.param((1, 3, 2), [X, -Y, -Z], id="sagittal: to posterior, to inferior"),
    ],
)
def test_other_slices_have_the_head_on_top(shape: tuple[int, ...], axes: Any) -> None:
    np.testing.assert_array_equal(decode_image(nifti(GRID.reshape(shape), affine(axes))), SHOWN)
    turned = nifti(GRID.reshape(shape)[:, :, ::-1], affine([axes[0], axes[1], -axes[2]]))
    np.testing.assert_array_equal(decode_image(turned), SHOWN)


@pytest.mark.parametrize(("columns", "rows"), SIGNS)
@pytest.mark.parametrize("space", ["left-posterior-superior", "RAS", "left-anterior-superior"])
def test_an_nrrd_slice_is_shown_likewise(space: str, columns: int, rows: int) -> None:
    left, posterior = (-1, -1) if space == "RAS" else (1, 1 if space.startswith("left-post") else -1)
    directions = np.array([columns * left * 0.5 * X, rows * posterior * 0.25 * Y])
    header = {"space": space, "space directions": directions}
    content = nrrd_file(laid(columns, rows), **header)
    np.testing.assert_array_equal(decode_image(content), SHOWN)
    assert header_of(content).spacing() == (0.25, 0.5)


def test_nrrd_without_a_place_is_as_stored() -> None:
    content = nrrd_file(GRID, spacings=[0.5, 0.25], units=["mm", "mm"])
    np.testing.assert_array_equal(decode_image(content), SHOWN)
    assert header_of(content) == Header(stored_spacing=(0.25, 0.5))
    assert header_of(nrrd_file(GRID)).spacing() is None
    assert header_of(content.replace(b"0.5 0.25", b"0.5")).spacing() is None


def test_a_slice_askew_is_as_stored() -> None:
    content = nifti(GRID, affine([(X + Y) / 2**0.5, (Y - X) / 2**0.5, Z]))
    np.testing.assert_array_equal(decode_image(content), SHOWN)
    assert header_of(content)[:2] == (1, False)


@pytest.mark.parametrize("write", [nifti, nrrd_file])
@pytest.mark.parametrize(
    ("stored", "read"),
    [("u1", "u1"), ("i1", "u1"), ("u2", "u2"), (">i2", "u2"), ("i4", "u2"), ("u4", "u2"), ("f4", "u2"), ("f8", "u2")],
)
def test_whole_numbers_are_levels(write: Any, stored: str, read: str) -> None:
    values = GRID.astype(stored) if stored != "i1" else (GRID // 3).astype("i1")
    pixels = decode_image(write(values))
    assert pixels.dtype == np.dtype(read)
    np.testing.assert_array_equal(pixels, values.T)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
def test_encodings_of_nrrd(encoding: str) -> None:
    np.testing.assert_array_equal(decode_image(nrrd_file(GRID, encoding=encoding)), SHOWN)


def patched(offset: int, form: str, *values: float) -> bytes:
    """A file with other numbers in its header."""
    content = bytearray(nifti(GRID))
    struct.pack_into(form, content, offset, *values)
    return bytes(content)


def test_values_of_nifti_are_scaled_as_it_says() -> None:
    np.testing.assert_array_equal(decode_image(patched(112, "<2f", 2.0, 10.0)), SHOWN.astype(np.uint16) * 2 + 10)


DETACHED = b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 3 2\nencoding: raw\ndata file: a.raw\n\n"
PAIR = nifti(GRID).replace(b"n+1\0", b"ni1\0")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(nifti(np.zeros((3, 2, 7), "u1")), r"holds 7 slices \(3 x 2 x 7\), expected one", id="slices"),
        pytest.param(nrrd_file(np.zeros((3, 2, 7), "u1")), r"holds 7 slices \(3 x 2 x 7\)", id="NRRD, slices"),
        pytest.param(nifti(GRID - 1000.0), "has values from -1000 to -745, expected whole numbers", id="negative"),
        pytest.param(nifti(GRID / 255), "has fractions from 0 to 1, expected whole numbers", id="fractions"),
        pytest.param(nifti(GRID * np.nan), "has fractions from nan", id="no numbers"),
        pytest.param(nifti(GRID.astype("c8")), r"has pixels of type 32 \(complex64\)", id="complex"),
        pytest.param(patched(108, "<f", 1e9), "its pixels are said to begin at byte 1000000000", id="far away"),
        pytest.param(patched(42, "<h", -3), "has axes of", id="fewer than no pixels"),
        pytest.param(patched(70, "<h", 1), "has pixels of type 1", id="bits"),
        pytest.param(patched(70, "<h", 128), "has pixels of .*expected one whole number each", id="colours"),
        pytest.param(nifti(GRID)[:-1], "not a whole NIfTI file: cut short", id="cut"),
        pytest.param(nifti(GRID)[:99], "not a whole NIfTI file", id="header cut"),
        pytest.param(nifti(GRID) + b"\0", "holds more values than its header says", id="more"),
        pytest.param(nifti(GRID, packed=True)[:-9], "not a whole NIfTI file", id="gzip, cut"),
        pytest.param(gzip.compress(b"a tape archive"), "compressed by gzip, and is no NIfTI file", id="other gzip"),
        pytest.param(PAIR, r"its pixels are in another file \(.img\)", id="NIfTI in two files"),
        pytest.param(DETACHED, "its pixels are in another file: save it as one .nrrd file", id="NRRD in two files"),
        pytest.param(nrrd_file(GRID)[:-1], "not a whole NRRD file", id="NRRD, cut"),
        pytest.param(nrrd_file(GRID, encoding="ASCII"), "is encoded as ascii, which is not read", id="NRRD, text"),
        pytest.param(b"NRRD0004\nnonsense\n\n", "not a whole NRRD file", id="NRRD, header damaged"),
        pytest.param(
            nrrd_file(np.zeros((3, 3, 2), "u1"), kinds=["RGB-color", "domain", "domain"]),
            r"has 3 values for each pixel \(RGB-color\)",
            id="NRRD, colours",
        ),
    ],
)
def test_what_is_refused_and_why(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason):
        decode_image(content)


@pytest.mark.parametrize("write", [lambda values: nifti(values, packed=True), nrrd_file])
def test_no_more_is_unpacked_than_the_header_claims(write: Any) -> None:
    """A file of 100 million zeros that claims 3 x 2, or as many as it has and is refused for that."""
    content = write(np.zeros((10_000, 10_000), "u1"))
    small = gzip.decompress(nifti(GRID, packed=True))[:352] if content.startswith(b"\x1f\x8b") else b""
    claims = gzip.compress(small + bytes(10**8)) if small else content.replace(b"10000 10000", b"3 2")
    tracemalloc.start()
    with pytest.raises(TooManyPixels, match="has 10000 x 10000 = 100000000 pixels"):
        decode_image(content, Limits(10**6))
    with pytest.raises(UnreadableImage, match="more values than its header says"):
        decode_image(claims, Limits(10**6))
    assert tracemalloc.get_traced_memory()[1] < 4 * 10**6
    tracemalloc.stop()


@pytest.mark.parametrize(("content", "package"), [(nifti(GRID), "nibabel"), (nrrd_file(GRID), "pynrrd")])
def test_a_package_that_is_missing_is_named(content: bytes, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, {"pynrrd": "nrrd"}.get(package, package), None)
    with pytest.raises(UnreadableImage, match=rf"{package} is missing: pip install 'maskline\[annotations\]'"):
        decode_image(content)


def test_they_are_not_lossy() -> None:
    for content in (nifti(GRID), nifti(GRID, packed=True), nrrd_file(GRID)):
        assert not header_of(content).lossy


NOISE = np.random.default_rng(0).integers(0, 256, (40, 32)).astype("u1")
DISC = ((np.mgrid[:40, :32] - np.array([10, 8])[:, None, None]) ** 2).sum(axis=0) < 30
DATA = DataSettings.model_validate({"layout": "paths", "height": 64, "width": 64})


def outcome(tmp_path: Path, image: bytes, mask: bytes) -> Any:
    (tmp_path / "image").write_bytes(image)
    (tmp_path / "mask").write_bytes(mask)
    return outcome_of(Sample("a", "a", "image", MaskFiles(("mask",))), tmp_path, DATA, lambda record: record)


@pytest.mark.parametrize(("columns", "rows"), SIGNS)
@pytest.mark.parametrize("swapped", [False, True])
def test_an_image_and_its_mask_lie_on_each_other_whatever_their_affines(
    tmp_path: Path, columns: int, rows: int, swapped: bool
) -> None:
    mask, axes = DISC.astype("u1")[::columns, ::rows], [-columns * X, -rows * Y]
    axes, mask = (axes[::-1], mask.T) if swapped else (axes, mask)
    image = nifti(NOISE, affine([-X, -Y, Z]))
    found, [record] = outcome(tmp_path, image, nifti(mask, affine([*axes, Z])))
    _, [plain] = outcome(tmp_path, image, nifti(DISC.astype("u1"), affine([-X, -Y, Z])))
    assert found.kind == ""
    np.testing.assert_array_equal(record.mask, plain.mask)
    np.testing.assert_array_equal(record.image, plain.image)


def test_a_mask_that_is_turned_by_its_place_and_an_image_that_has_none_are_a_question(tmp_path: Path) -> None:
    found, records = outcome(tmp_path, nifti(NOISE), nifti(DISC.astype("u1"), np.eye(4)))
    assert (found.kind, records) == ("orientation", [])
    assert 'Set [data] orientation = "apply"' in found.reason
