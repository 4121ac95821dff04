"""Images, masks and slides."""

from __future__ import annotations

import gzip
import io
import math
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from components.errors import UsageError
from components.imaging.annotations.dicom_seg import write_seg
from components.imaging.annotations.dicom_segments import segment_labels
from components.imaging.files import codecs
from components.imaging.files.label_text import holds_labels
from components.imaging.files.spacing import spacing_of
from components.imaging.slides.opened import is_slide, open_slide
from components.imaging.slides.slide import read_rows
from components.imaging.truth.mask_files import read_mask, read_region
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.one_hot import one_hot_channels
from components.imaging.truth.settings import Mask
from components.task import Task
from tests.dicom_files import EIGHT, RGB, SIGNED, TWELVE, dicom, lut
from tests.fuzz import formats
from tests.fuzz.mutate import gzipped, lines, members, words
from tests.fuzz.reader import Reader
from tests.slide_files import APERIO, tissue, write_slide
from tests.unit import image_contents as contents
from tests.unit.raw_images import bmp, gif, packed_png, png, tiff
from tests.volume_files import affine, nifti, nrrd_file

# Decoded in this process, which is watched, whatever they weigh.
LIMITS = codecs.Limits(pixels=1_000_000, seconds=math.inf)
_SMOOTH = tissue(40, 48)
_TWO = ["benign", "malignant"]
_COLOURS = {"#000000": "background", "#ff0000": "benign", "#00ff00": "malignant"}
_TIMES = {"DA": "20260101", "TM": "120000", "DT": "20260101120000"}
_MASKS = (
    Mask(),
    Mask(threshold="otsu", ignore=3),
    Mask(form="indices"),
    Mask(form="instances"),
    Mask(form="levels", levels={"0": "background", "1": "benign", "2": "malignant"}),
    Mask(form="colours", colours=_COLOURS),
)


def _pixels(path: Path, **how: Any) -> None:
    codecs.read_image(path, LIMITS, **how)


def _headers(path: Path) -> None:
    content = codecs.read_content(path, LIMITS)
    for read in (spacing_of, partial(spacing_of, upright=False), codecs.orientation_of, codecs.is_placed):
        with suppress(codecs.UnreadableImage):
            read(content)


def _labels(path: Path) -> list[str]:
    return segment_labels(codecs.read_content(path, LIMITS))


def _mask(settings: Mask, classes: list[str], path: Path) -> None:
    read_mask(path, settings, classes, LIMITS)


_READS: tuple[Callable[[Path], object], ...] = (
    _pixels,
    partial(_pixels, dicom_window=True, upright=False),
    codecs.is_lossy,
    _headers,
    *(
        partial(_mask, settings, [] if settings.form == "instances" else _TWO[: 1 + (settings.form != "binary")])
        for settings in _MASKS
    ),
    partial(read_region, limits=LIMITS),
)
_REFUSED = (codecs.UnreadableImage, UnclearMask)


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
        saved(_SMOOTH, "PNG", exif=exif, dpi=(300, 300)),
        codecs.encode_png(_SMOOTH),
        saved(_SMOOTH, "PNG", save_all=True, append_images=[Image.fromarray(_SMOOTH[::-1])]),
    ]


def _jpegs() -> list[bytes]:
    exif = Image.Exif()
    exif[274] = 8
    image = Image.fromarray(_SMOOTH)
    return [
        contents.saved(image, "JPEG"),
        contents.saved(image, "JPEG", progressive=True, exif=exif),
        contents.saved(image.convert("L"), "JPEG", restart_marker_rows=1, dpi=(72, 72)),
        contents.saved(image.convert("CMYK"), "JPEG"),
    ]


def _tiffs() -> list[bytes]:
    gray, saved = Image.fromarray(_SMOOTH[..., 0]), contents.saved
    return [
        *(tiff(pixels, order) for pixels in (contents.GRAY, contents.DEEP, contents.RGB) for order in "<>"),
        tiff(contents.GRAY, tags={274: [6], 282: [300], 296: [2]}),
        tiff(contents.with_alpha(contents.RGB)),
        *(saved(_SMOOTH, "TIFF", compression=kind) for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
        *(saved(gray.convert("1"), "TIFF", compression=kind) for kind in ("group3", "group4", "tiff_ccitt")),
        saved(contents.ENTRIES, "TIFF", tiffinfo={270: "a text", 282: 30.0, 283: 30.0, 296: 3}),
        tiff(contents.GRAY, pages=2),
        *(_slide(tissue(40, 48), levels=1, compression=kind) for kind in ("deflate", "jpeg", None)),
        _slide(tissue(40, 48, 1), levels=1),
    ]


def _dicoms() -> list[bytes]:
    return [
        dicom(EIGHT, WindowCenter=40, WindowWidth=80, PixelSpacing=["0.1", "0.2"]),
        dicom(TWELVE, 12, RescaleSlope=1, RescaleIntercept=-5, PixelPaddingValue=4095, PixelPaddingRangeLimit=4000),
        dicom(TWELVE, 12, PhotometricInterpretation="MONOCHROME1", ModalityLUTSequence=lut([3, 0, 16], [1, 2, 3])),
        dicom(TWELVE, 12, VOILUTSequence=lut([2, 0, 8], [1, 255])),
        dicom(SIGNED, Modality="CT", RescaleSlope="1", RescaleIntercept="-1024"),
        dicom(RGB, ImagerPixelSpacing=["0.1", "0.1"], LossyImageCompression="00"),
        dicom(RGB, PhotometricInterpretation="YBR_FULL", PlanarConfiguration=1),
        dicom(EIGHT, syntax=ImplicitVRLittleEndian),
        dicom(TWELVE, syntax=ExplicitVRBigEndian),
    ]


def _compressed_dicoms() -> list[bytes]:
    import imagecodecs

    gray = _SMOOTH[..., 0]
    image = Image.fromarray(gray)
    frames = {
        JPEGBaseline8Bit: contents.saved(image, "JPEG"),
        JPEG2000Lossless: contents.saved(image, "JPEG2000", no_jp2=True),
        JPEGLosslessSV1: imagecodecs.ljpeg_encode(gray),
        JPEGLSLossless: imagecodecs.jpegls_encode(gray),
        RLELossless: _run_lengths(gray),
    }
    colour = dicom(
        _SMOOTH,
        syntax=JPEGBaseline8Bit,
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=encapsulate([contents.saved(_SMOOTH, "JPEG")]),
    )
    return [colour, *(dicom(gray, syntax=syntax, PixelData=encapsulate([frame])) for syntax, frame in frames.items())]


def _run_lengths(gray: np.ndarray) -> bytes:
    """One segment of literal runs: PS3.5 G.3."""
    rows = b"".join(bytes([len(row) - 1]) + row.tobytes() for row in gray)
    return np.array([1, 64, *[0] * 14], "<u4").tobytes() + rows


def _niftis() -> list[bytes]:
    placed = affine([[1, 0, 0], [0, -1, 0], [0, 0, 1]], 0.5)
    other = io.BytesIO()
    import nibabel

    image = nibabel.Nifti2Image(contents.ENTRIES, placed)
    other.write(image.to_bytes())
    return [nifti(contents.ENTRIES), nifti(contents.DEEP[..., None], placed), nifti(SIGNED), other.getvalue()]


def _nrrds() -> list[bytes]:
    space = {"space": "left-posterior-superior", "space directions": np.eye(3)[:2], "kinds": ["domain", "domain"]}
    found = (
        nrrd_file(contents.ENTRIES, encoding="raw"),
        nrrd_file(contents.DEEP, encoding="gzip", spacings=[0.5, 0.5], units=["mm", "mm"]),
        nrrd_file(contents.ENTRIES, encoding="bzip2", **space),
    )
    # The same at any time.
    return [re.sub(rb"# on [^\n]*\n", b"", content) for content in found]


def _arrays() -> list[bytes]:
    def archived(array: np.ndarray, save: Any = np.savez_compressed) -> bytes:
        file = io.BytesIO()
        save(file, mask=array)
        return file.getvalue()

    one_hot = np.eye(3, dtype=np.uint8)[contents.ENTRIES % 3]
    return [archived(one_hot), archived(one_hot.astype(float), np.savez), archived(one_hot.astype(bool))]


def _segmentations() -> list[bytes]:
    task = Task(classes=_TWO)
    mask = np.tile(contents.ENTRIES % 3, (2, 1)).astype(np.uint8)
    image = dicom(mask.astype(np.uint16), StudyInstanceUID="1.2", SeriesInstanceUID="1.2.4", Modality="MG")
    seg = dcmread(io.BytesIO(write_seg(image, mask, task, "model", "0.1.0").content))
    for element in seg.iterall():
        # The same at any time.
        element.value = _TIMES.get(
            element.VR, "1.2.5" if element.keyword == "DimensionOrganizationUID" else element.value
        )
    file = io.BytesIO()
    dcmwrite(file, seg)
    return [file.getvalue()]


def _slides() -> list[bytes]:
    kinds: list[dict[str, Any]] = [
        {},
        {"compression": "jpeg"},
        {"compression": "lzw", "predictor": True},
        {"tile": None, "rowsperstrip": 16, "levels": 1},
        {"compression": "jpeg", "levels": 1, "description": APERIO},
    ]
    return [_slide(tissue(100, 130), **kind) for kind in kinds]


def _slide(pixels: np.ndarray, **kind: Any) -> bytes:
    with TemporaryDirectory() as folder:
        return write_slide(Path(folder) / "slide.tif", pixels, **kind).read_bytes()


def _by_regions(path: Path) -> None:
    is_slide(path, 100)
    with open_slide(path) as slide:
        assert slide.spacing is None or len(slide.spacing) == 2
        slide.read(0, 0, min(64, slide.height), min(64, slide.width))
        if slide.height * slide.width <= LIMITS.pixels:
            read_rows(slide, 0, slide.height)


def _one_hot(path: Path) -> None:
    one_hot_channels(path)
    read_mask(path, Mask(form="one_hot"), _TWO, LIMITS)


def _image(seeds: Callable[[], list[bytes]], *changes: Any, **more: Any) -> Reader:
    return Reader(seeds, _READS, _REFUSED, changes, **more)


READERS = {
    "png": _image(_pngs, formats.png),
    "jpeg": _image(_jpegs, formats.jpeg),
    "tiff": _image(_tiffs, formats.tiff_fields, formats.tiff_fields),
    "bmp": _image(
        lambda: [
            bmp((3, 2), 24, contents.bgr_rows(contents.RGB)),
            bmp((3, 2), 8, contents.bytes_of(contents.ENTRIES), contents.bgra(contents.PALETTE)),
            bmp((3, -2), 32, contents.bytes_of(contents.with_alpha(contents.RGB))),
            contents.saved(_SMOOTH, "BMP"),
        ],
        formats.bmp_fields,
        formats.bmp_fields,
    ),
    "gif": _image(
        lambda: [
            gif(contents.ENTRIES, contents.PALETTE),
            gif(contents.ENTRIES, contents.PALETTE, transparent=0),
            gif(contents.ENTRIES, contents.PALETTE, frames=2),
            contents.saved(Image.fromarray(_SMOOTH[..., 0]), "GIF"),
        ],
        formats.gif_fields,
    ),
    "pnm": _image(
        lambda: [
            b"P5\n3 2\n255\n\x00\x01\x02\x7f\x80\xff",
            b"P5\n2 1\n65535\n\x01\x00\xff\xfe",
            b"P2 1 1 1000 # one\n  # two\n 7 # three",
            b"P6 2 1 255\n\xff\x00\x01\x02\x03\x04",
            b"P3 2 1 255\n255 0 1\n2 3 4\n",
        ],
        words,
    ),
    "dicom": _image(_dicoms, formats.dicom_elements),
    "dicom_compressed": _image(_compressed_dicoms, formats.dicom_elements),
    "dicom_seg": Reader(
        _segmentations,
        (*_READS, partial(_mask, Mask(), _TWO), _labels),
        _REFUSED,
        (formats.dicom_elements,),
    ),
    "nifti": _image(
        lambda: [*_niftis(), *(gzip.compress(content, mtime=0) for content in _niftis())],
        formats.nifti_fields,
        gzipped(formats.nifti_fields),
    ),
    "nrrd": _image(_nrrds, words, lines),
    "label_text": Reader(
        lambda: [b"0 0 2\n1 0 300\n", b"0,0,2\r\n1,0,300", b"0\t0\t2\n1\t0\t300\n\n"],
        (*_READS, holds_labels),
        _REFUSED,
        (words, lines),
        "input.txt",
    ),
    "npz": Reader(_arrays, (_one_hot,), _REFUSED, (members(formats.npy_header),), "input.npz"),
    "slide": Reader(
        _slides, (_by_regions,), (*_REFUSED, UsageError), (formats.tiff_fields, formats.tiff_fields), "input.tif"
    ),
    "rows": Reader(
        lambda: [*_pngs()[:5], *_jpegs()[:3]],
        (_by_regions,),
        (*_REFUSED, UsageError),
        (formats.png, formats.jpeg),
    ),
}
