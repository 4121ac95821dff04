"""Image files of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.example_gen.samples import Listing, Reject, Sample, by_stem, image_files


@pytest.mark.parametrize("reverse", [False, True])
def test_image_files_are_sorted_whatever_their_age(tmp_path: Path, reverse: bool) -> None:
    for name in sorted(["b.pgm", "a.PNG", "c.jpg", "d.JPEG", "e.txt", "f"], reverse=reverse):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "inside.png").touch()
    assert [path.name for path in image_files(tmp_path)] == ["a.PNG", "b.pgm", "c.jpg", "d.JPEG"]


def test_by_stem() -> None:
    paths = [Path("x/a.png"), Path("x/b.c.png"), Path("x/a.jpg")]
    assert by_stem(paths) == {"a": [paths[0], paths[2]], "b.c": [paths[1]]}


def test_every_sample_and_reject_is_a_source() -> None:
    assert Listing((Sample("a", "a", "a.png"),), (Reject("b.png", "bad"), Reject("c.png", "bad"))).sources == 3
