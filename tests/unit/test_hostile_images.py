"""Small files that cost much are refused by name, at once, and within the memory of any other."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import images

REFUSED = {
    images.png_of_a_gigabyte: "bytes of pixels, more than the 65671 that 10 x 10 can have",
    images.png_of_endless_rows: "bytes of pixels, more than the 361600 that 512 x 512 can have",
    images.jpeg_of_500_scans: "has 505 scans, each over all of its pixels, expected up to 100",
    images.tiff_of_16001_pages: "holds several pages",
    images.rle_of_a_gigabyte: "its pixels unpack to more than the 100 that its header tells",
    images.jpeg_2000_of_12000: "its compressed pixels are 12000 x 12000 x 1 values, its header tells 10 x 10 x 1",
    images.jpeg_in_dicom_of_12000: "its compressed pixels are 12000 x 12000 x 1 values, its header tells 10 x 10 x 1",
    images.jpeg_in_dicom_behind_a_stray_byte: "pixels are 12000 x 12000 x 1 values, its header tells 10 x 10 x 1",
    images.jpeg_2000_of_tiny_tiles: "is divided into tiles of 1 x 1 pixels, which is not read",
    images.tiff_of_tags_on_each_other: "has 409 tags of 209715236 bytes, more than the 529210 of the file",
    images.dicom_of_3_gigabytes: "has 3221225472 bytes, more than an image of the 100000000 pixels",
    images.pgm_of_a_gigabyte: "has 1073741824 bytes, more than an image of 10 x 10 pixels can have",
    images.png_of_a_gigabyte_behind_its_end: "has 1073741824 bytes, more than an image of 10 x 10 pixels can have",
    images.nifti_of_a_gigabyte: "holds more values than its header says",
    images.pipe: "is a named pipe, expected a file",
    images.endless: "is a device, expected a file",
}
SECONDS, MEGABYTES = 5, 200


def test_none_is_forgotten() -> None:
    assert set(REFUSED) == set(images.IMAGES)


@pytest.mark.parametrize("make", images.IMAGES, ids=lambda make: make.__name__)
def test_a_hostile_file_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "import cv2, pydicom, nibabel\n"
        "from components.imaging.files import codecs\n"
        "def most(): return max(resource.getrusage(who).ru_maxrss for who in (0, -1))\n"
        "before = most()\n"
        "for read in (codecs.read_image, lambda path: codecs.decode_mask(codecs.read_content(path))):\n"
        "    try: read(Path(sys.argv[1]))\n"
        "    except codecs.UnreadableImage as error: print(error)\n"
        "print((most() - before) // 1024)\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.run(
        [sys.executable, "-c", script, make(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    *reasons, grown = process.stdout.splitlines()
    assert len(reasons) == 2, process.stderr
    assert all(REFUSED[make] in reason for reason in reasons), reasons
    assert int(grown) < MEGABYTES
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS
