"""Files that are no files, or too large, are refused at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from components.reading import Refused, read_bytes


def test_a_file_is_read_whole_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(path)
    assert read_bytes(path, 5) == read_bytes(tmp_path / "link", 5) == b"12345"
    with pytest.raises(Refused, match="has more than the 4 bytes"):
        read_bytes(path, 4)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="is a named pipe, expected a file"):
        read_bytes(tmp_path / "pipe", 10)
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(Refused, match="is a device, expected a file"):
            read_bytes(Path(device), 10)
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        read_bytes(tmp_path, 10)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="socket"):
            read_bytes(tmp_path / "socket", 10)


def test_a_size_that_the_system_does_not_tell_is_no_way_round() -> None:
    maps = Path("/proc/self/maps")
    assert maps.stat().st_size == 0
    with pytest.raises(Refused, match="more than the 10 bytes"):
        read_bytes(maps, 10)
