"""Each kind of image file through the component: the pixels of the record are those of the file, depth kept."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from ingest import SIZE, Made, box, film, ingest, save
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

HEIGHT, WIDTH = SIZE
EIGHT = film(1)
TWELVE = EIGHT.astype(np.uint16) * 16 + 5
SIXTEEN = EIGHT.astype(np.uint16) * 257
COLOUR = np.dstack([film(2), film(3), film(4)])
PALETTE = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint8)


def header(magic: str, maximum: int) -> bytes:
    return f"{magic}\n# by hand\n{WIDTH} {HEIGHT}\n{maximum}\n".encode()


def plain(pixels: np.ndarray) -> bytes:
    return "\n".join(" ".join(map(str, row.ravel())) for row in pixels).encode()


def dicom(path: Path, photometric: str) -> None:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = UID("1.2.3")
    data.Rows, data.Columns, data.SamplesPerPixel = HEIGHT, WIDTH, 1
    data.PhotometricInterpretation, data.PixelRepresentation = photometric, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelData = TWELVE.tobytes()
    data.save_as(path, enforce_file_format=True)


def paletted(path: Path) -> None:
    image = Image.fromarray(EIGHT, "P")
    image.putpalette(PALETTE.tobytes())
    image.save(path)


def lying(path: Path) -> np.ndarray:
    """A JPEG that is stored on its side, with the note to turn it clockwise; as it is to be seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(EIGHT))).save(path, exif=exif, quality=90)
    stored = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.rot90(stored, -1)


def write_files(folder: Path) -> dict[str, np.ndarray]:
    """One file of each kind; the pixels by its name without suffix."""
    folder.mkdir(parents=True)
    (folder / "p2.pgm").write_bytes(header("P2", 255) + plain(EIGHT))
    (folder / "p2_deep.pgm").write_bytes(header("P2", 4095) + plain(TWELVE))
    (folder / "p5.pgm").write_bytes(header("P5", 255) + EIGHT.tobytes())
    (folder / "p5_deep.pnm").write_bytes(header("P5", 4095) + TWELVE.astype(">u2").tobytes())
    (folder / "p3.ppm").write_bytes(header("P3", 255) + plain(COLOUR))
    (folder / "p6.ppm").write_bytes(header("P6", 255) + COLOUR.tobytes())
    (folder / "p6_deep.ppm").write_bytes(header("P6", 65535) + (COLOUR.astype(">u2") * 257).tobytes())
    save(folder / "png.png", EIGHT)
    save(folder / "png_deep.png", SIXTEEN)
    save(folder / "png_rgb.png", COLOUR)
    Image.fromarray(np.dstack([COLOUR, EIGHT]), "RGBA").save(folder / "png_rgba.png")
    paletted(folder / "png_palette.png")
    upright = lying(folder / "jpg_exif.jpg")
    save(folder / "tif.tif", EIGHT)
    save(folder / "tif_deep.tiff", TWELVE)
    save(folder / "bmp.bmp", COLOUR)
    paletted(folder / "bmp_palette.bmp")
    dicom(folder / "dcm.dcm", "MONOCHROME2")
    dicom(folder / "dcm_inverse.dicom", "MONOCHROME1")
    return {
        **{"p2": EIGHT, "p2_deep": TWELVE, "p5": EIGHT, "p5_deep": TWELVE},
        **{"p3": COLOUR, "p6": COLOUR, "p6_deep": COLOUR.astype(np.uint16) * 257},
        **{"png": EIGHT, "png_deep": SIXTEEN, "png_rgb": COLOUR, "png_rgba": COLOUR, "png_palette": PALETTE[EIGHT]},
        **{"jpg_exif": upright, "tif": EIGHT, "tif_deep": TWELVE, "bmp": COLOUR, "bmp_palette": PALETTE[EIGHT]},
        **{"dcm": TWELVE, "dcm_inverse": 4095 - TWELVE},
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    root = tmp_path_factory.mktemp("files") / "data"
    pixels = write_files(root / "images")
    for name in pixels:
        save(root / f"masks/{name}.png", 255 * box(8, 8, 20, 20))
    return root, pixels


@pytest.fixture(scope="module")
def made(files: tuple[Path, dict], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Made]:
    """By the number of channels of the records."""
    root, _ = files
    return {
        channels: ingest(root, tmp_path_factory.mktemp("out"), layout="folders", channels=channels)
        for channels in (1, 3)
    }


def test_every_kind_is_read(made: dict[int, Made], files: tuple[Path, dict]) -> None:
    assert made[1].records.keys() == made[3].records.keys() == files[1].keys()
    assert made[1].account["rejects"] == made[3].account["rejects"] == []


def test_records_of_three_channels_have_the_colours_of_the_file_or_its_grey(
    made: dict[int, Made], files: tuple[Path, dict]
) -> None:
    for name, pixels in files[1].items():
        record = made[3].records[name]
        expected = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels
        assert record.image.dtype == pixels.dtype, name
        np.testing.assert_array_equal(record.image, expected, err_msg=name)


def test_records_of_one_channel_have_the_grey_of_the_file_or_the_luma_of_its_colours(
    made: dict[int, Made], files: tuple[Path, dict]
) -> None:
    for name, pixels in files[1].items():
        record = made[1].records[name]
        assert record.image.dtype == pixels.dtype, name
        if pixels.ndim == 2:
            np.testing.assert_array_equal(record.image, pixels, err_msg=name)
        else:
            luma = pixels @ [0.299, 0.587, 0.114]
            np.testing.assert_allclose(record.image, luma, atol=np.iinfo(pixels.dtype).max / 255, err_msg=name)


def test_one_image_in_several_formats_has_one_hash(made: dict[int, Made]) -> None:
    def hashes(*names: str) -> set[bytes]:
        return {made[1].records[name].source_sha256 for name in names}

    assert len(hashes("p2", "p5", "png", "tif")) == 1
    assert len(hashes("p2_deep", "p5_deep", "tif_deep", "dcm")) == 1
    assert len(hashes("p3", "p6", "png_rgb", "png_rgba", "bmp")) == 1
    assert len(hashes("png", "png_deep", "dcm", "dcm_inverse", "png_rgb")) == 5


def test_more_pixels_than_allowed_are_a_reject_before_they_are_decoded(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    (root / "images/bomb.pgm").write_bytes(b"P5\n60000 60000\n255\n" + bytes(100))
    save(root / "masks/bomb.png", 255 * box(8, 8, 20, 20))
    save(root / "images/a.png", np.tile(EIGHT, (20, 20)))
    save(root / "masks/a.png", np.tile(255 * box(8, 8, 20, 20), (20, 20)))
    made = ingest(root, tmp_path / "out", layout="folders", max_megapixels=1)
    assert made.records == {}
    assert {source: kind for source, (kind, _) in made.rejects.items()} == {
        "images/bomb.pgm": "unreadable",
        "images/a.png": "unreadable",
    }
    assert "max_megapixels" in made.rejects["images/a.png"][1]
    assert len(ingest(root, tmp_path / "more", layout="folders", max_megapixels=2).records) == 1


def test_the_window_of_a_dicom_file_spans_the_range(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    dicom(root / "images/a.dcm", "MONOCHROME2")
    save(root / "masks/a.png", 255 * box(8, 8, 20, 20))
    [record] = ingest(root, tmp_path / "out", layout="folders", dicom_window=True).records.values()
    # The file names no window, so the 12 bits that it can hold become the 16 of the record.
    np.testing.assert_allclose(record.image, TWELVE * (65535 / 4095), atol=0.5)
