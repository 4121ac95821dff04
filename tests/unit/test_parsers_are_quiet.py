"""What parsers say of a file beside what it holds: no values of any length, and no lines without number."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from dicom_files import EIGHT, dicom
from raw_images import tiff

READ = """
import logging, sys
from pathlib import Path
from components.imaging.files.header import header_of
from components.imaging.files.limits import decode_within
logging.basicConfig(level=logging.INFO)
for content in (Path(sys.argv[1]).read_bytes(), Path(sys.argv[1]).read_bytes() + bytes(2**20)):
    decode_within(60, header_of, content)
"""


def of_class(uid: str) -> bytes:
    """A DICOM file; of its last bytes nobody is asked."""
    whole = dicom(EIGHT)
    place = whole.index(b"\x08\0\x16\0UI")
    [length] = struct.unpack_from("<H", whole, place + 6)
    element = b"\x08\0\x16\0UI" + struct.pack("<H", len(uid)) + uid.encode()
    return whole[:place] + element + whole[place + 8 + length :]


def claiming(tags: int) -> bytes:
    """A TIFF file of which so many claim more than there is."""
    numbers = range(40_000, 40_000 + tags)
    whole = tiff(EIGHT, tags={number: [0] for number in numbers})
    for number in numbers:
        whole = whole.replace(struct.pack("<HHI", number, 4, 1), struct.pack("<HHI", number, 4, 2**24))
    return whole


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(of_class("Doe^Jane" * 500), id="a value"),
        pytest.param(claiming(200), id="many tags"),
    ],
)
def test_nothing_is_printed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)
    told = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "image"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert told.stdout + told.stderr == ""
