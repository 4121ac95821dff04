"""Reasons can be read, whatever they quote."""

from __future__ import annotations

import pickle

import pytest
from dicom_files import EIGHT, dicom
from pydicom.uid import ExplicitVRLittleEndian

from components.imaging.files.codecs import UnreadableImage, decode_image


def test_a_file_that_says_much_is_refused_in_few_words() -> None:
    mark = ExplicitVRLittleEndian.encode()
    content = dicom(EIGHT)
    begin = content.index(mark) - 2
    long = b"y" * 60_000
    content = content[:begin] + len(long).to_bytes(2, "little") + long + content[begin + 2 + len(mark) + 1 :]
    with (
        pytest.warns(UserWarning, match="exceeds the maximum length"),
        pytest.raises(UnreadableImage, match=r"is compressed as yyy.*save it uncompressed") as found,
    ):
        decode_image(content)
    assert len(str(found.value)) == 500
    assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)
