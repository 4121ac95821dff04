"""Links to folders: what they lead to is read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.example_gen.links import files_under, links_to_folders, without_twins


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    (folder / "images").mkdir(parents=True)
    (folder / "images/a.png").touch()
    return folder


def test_of_two_links_to_one_place_the_first_is_followed(tmp_path: Path, elsewhere: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name in ("one", "two"):
        (root / name).symlink_to(elsewhere, target_is_directory=True)
    assert [*files_under(root)] == [root / "one/images/a.png"]
    both = [root / name / "images/a.png" for name in ("two", "one")]
    assert [*without_twins(root, both)] == [root / "one/images/a.png"]
    assert links_to_folders(root, both) == {root / "one": elsewhere, root / "two": elsewhere}


def test_a_link_in_a_circle_ends(tmp_path: Path, elsewhere: Path) -> None:
    (elsewhere / "back").symlink_to(tmp_path, target_is_directory=True)
    assert [*files_under(elsewhere)] == [elsewhere / "images/a.png"]
