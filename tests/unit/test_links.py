"""Links to folders: what they lead to is read once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from components.example_gen.core import read_source
from components.example_gen.links import files_under, links_to_folders, without_twins
from components.example_gen.listing import list_samples
from components.example_gen.settings import DataSettings


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


LAID_OUT = {
    "folders": ("images", "masks", {}),
    "paths": ("images", "masks", {"paths": {"image": "images/{name}", "masks": ["masks/{name}"]}}),
    "annotations": ("images", ".", {"table": "documents"}),
    "via": ("images", ".", {}),
}


@pytest.mark.parametrize("layout", LAID_OUT)
def test_of_links_to_files_those_that_lead_to_one_are_read_and_the_others_named(
    layout: str, tmp_path: Path, write_pairs: Callable[..., Path]
) -> None:
    place, beside, more = LAID_OUT[layout]
    elsewhere, root = write_pairs(tmp_path / "elsewhere", 1), tmp_path / "root"
    images = root / place
    images.mkdir(parents=True)
    (root / beside).mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "pipe")
    (images / "inside.png").symlink_to(elsewhere / "images/p00_a.png")
    (images / "nowhere.png").symlink_to(tmp_path / "nowhere")
    (images / "pipe.png").symlink_to(tmp_path / "pipe")
    (images / "circle.png").symlink_to(images / "circle.png")
    (root / "masks").mkdir(exist_ok=True)
    (root / "masks/inside.png").symlink_to(elsewhere / "masks/p00_a.png")
    (root / "documents").mkdir()
    (root / "documents/inside.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    attributes = "filename,region_count,file_attributes,region_shape_attributes,region_attributes\n"
    (root / "shapes.csv").write_text(f"{attributes}inside.png,0,{{}},{{}},{{}}\n")
    data = DataSettings.model_validate({"layout": layout, "height": 16, "width": 16, "images": "images", **more})
    found = list_samples(root, data)
    assert [sample.image for sample in found.samples] == ["images/inside.png"]
    lost = {reject.source: reject.reason for reject in found.rejects if reject.source.startswith("images/")}
    reason = "not a file: a link that points nowhere, or a device"
    assert lost == dict.fromkeys(("images/nowhere.png", "images/pipe.png", "images/circle.png"), reason)
    assert read_source(root, found.samples[0], data).image.shape == (40, 48)
