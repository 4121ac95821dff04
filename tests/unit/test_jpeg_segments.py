"""What stands before and behind the pixels of a JPEG."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from components.imaging.files.codecs import decode_image
from components.imaging.files.jpeg import Size, scans, sizes

IMAGE = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)


def jpeg(pixels: np.ndarray = IMAGE, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_the_size_is_found_whatever_stands_before_it() -> None:
    assert [*sizes(jpeg())] == [Size(64, 48, 1)]
    assert [*sizes(jpeg(np.dstack([IMAGE] * 3), progressive=True))] == [Size(64, 48, 3)]
    content = jpeg(exif=b"Exif\0\0" + jpeg(IMAGE[:8, :8]))
    assert [*sizes(content)] == [Size(64, 48, 1)]
    stray = content[:20] + b"\0\xff\0" + content[20:]
    assert [*sizes(stray)] == [Size(64, 48, 1)]
    assert [*sizes(b""), *sizes(b"\xff\xd8"), *sizes(b"\xff\xd8\xff\xc0\0")] == []


def test_scans_are_those_of_the_image() -> None:
    """Not those of a thumbnail, nor of a film behind it, as some telephones write."""
    assert scans(jpeg()) == 1
    assert scans(jpeg(progressive=True)) == jpeg(progressive=True).count(b"\xff\xda") > 2
    film = b"\xff\xda" * 200
    content = jpeg(exif=b"Exif\0\0" + jpeg(IMAGE[:8, :8])) + film
    assert scans(content) == 1
    np.testing.assert_array_equal(decode_image(content), cv2.imdecode(np.frombuffer(jpeg(), np.uint8), -1))
