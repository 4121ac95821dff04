"""DICOM, NIfTI, NRRD, and masks as arrays and segments."""

from __future__ import annotations

import gzip
import io
import re
from functools import partial
from pathlib import Path
from typing import Any

import image_contents as contents
import imagecodecs
import nibabel
import numpy as np
from dicom_files import EIGHT, RGB, SIGNED, TWELVE, dicom, lut
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
from volume_files import affine, nifti, nrrd_file

from components.imaging.annotations.dicom_seg import write_seg
from components.imaging.annotations.dicom_segments import segment_labels
from components.imaging.files import codecs
from components.imaging.truth.mask_files import read_mask
from components.imaging.truth.one_hot import one_hot_channels
from components.imaging.truth.settings import Mask
from components.task import Task
from fuzz import formats
from fuzz.images import LIMITS, READS, REFUSED, SMOOTH, TWO, image, mask
from fuzz.mutate import gzipped, lines, words
from fuzz.reader import Reader
from fuzz.trees import members

_TIMES = {"DA": "20260101", "TM": "120000", "DT": "20260101120000"}


def _labels(path: Path) -> list[str] | None:
    return segment_labels(codecs.read_content(path, LIMITS))


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
    gray = SMOOTH[..., 0]
    image = Image.fromarray(gray)
    frames = {
        JPEGBaseline8Bit: contents.saved(image, "JPEG"),
        JPEG2000Lossless: contents.saved(image, "JPEG2000", no_jp2=True),
        JPEGLosslessSV1: imagecodecs.ljpeg_encode(gray),
        JPEGLSLossless: imagecodecs.jpegls_encode(gray),
        RLELossless: _run_lengths(gray),
    }
    colour = dicom(
        SMOOTH,
        syntax=JPEGBaseline8Bit,
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=encapsulate([contents.saved(SMOOTH, "JPEG")]),
    )
    return [colour, *(dicom(gray, syntax=syntax, PixelData=encapsulate([frame])) for syntax, frame in frames.items())]


def _run_lengths(gray: np.ndarray) -> bytes:
    """One segment of literal runs: PS3.5 G.3."""
    rows = b"".join(bytes([len(row) - 1]) + row.tobytes() for row in gray)
    return np.array([1, 64, *[0] * 14], "<u4").tobytes() + rows


def _niftis() -> list[bytes]:
    placed = affine([[1, 0, 0], [0, -1, 0], [0, 0, 1]], 0.5)
    other = io.BytesIO()
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
    task = Task(classes=TWO)
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


def _one_hot(path: Path) -> None:
    one_hot_channels(path)
    read_mask(path, Mask(form="one_hot"), TWO, LIMITS)


READERS = {
    "dicom": image(_dicoms, formats.dicom_elements),
    "dicom_compressed": image(_compressed_dicoms, formats.dicom_elements),
    "dicom_seg": Reader(
        _segmentations,
        (*READS, partial(mask, Mask(), TWO), _labels),
        REFUSED,
        (formats.dicom_elements,),
    ),
    "nifti": image(
        lambda: [*_niftis(), *(gzip.compress(content, mtime=0) for content in _niftis())],
        formats.nifti_fields,
        gzipped(formats.nifti_fields),
    ),
    "nrrd": image(_nrrds, words, lines),
    "npz": Reader(_arrays, (_one_hot,), REFUSED, (members(formats.npy_header),), "input.npz"),
}
