"""Each form of a mask file, from real files to the class indices of records, and what is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ingest import SIZE, Made, box, film, ingest, save
from PIL import Image

CLASSES = ["tumour", "stroma"]
TRUTH = box(6, 6, 30, 30) + box(10, 36, 44, 60, 2)
"""Two classes, apart from each other."""
BINARY = (TRUTH > 0).astype(np.uint8)
COLOURS = np.array([[10, 20, 30], [255, 0, 0], [0, 200, 0]], np.uint8)
NAMED = {"#0a141e": "background", "#ff0000": "tumour", "#00c800": "stroma"}
RED = {"form": "colours", "colours": {"#0a141e": "background", "#ff0000": "foreground"}}


@pytest.fixture
def read_one(tmp_path: Path) -> Callable[..., Made]:
    """`(write, suffix, mask, **data)`: ingests one image whose mask file `write` has made."""

    def run(write: Callable[[Path], object], suffix: str, mask: dict[str, Any], **data: Any) -> Made:
        save(tmp_path / "data/images/a.png", film(0))
        (tmp_path / "data/masks").mkdir()
        write(tmp_path / f"data/masks/a{suffix}")
        return ingest(tmp_path / "data", tmp_path / "out", layout="folders", mask=mask, **data)

    return run


def grey(*values: int, noise: int = 0) -> np.ndarray:
    """The mask with one grey value for background, one for foreground, and noise about both."""
    rng = np.random.default_rng(0)
    return (np.array(values)[BINARY] + rng.integers(-noise, noise + 1, SIZE)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("threshold", "masks"),
    [
        (None, [grey(0, 255), grey(0, 1), grey(0, 255).astype(np.uint16) * 257, np.dstack([grey(0, 200)] * 3)]),
        (160, [grey(90, 160), grey(0, 255), grey(30, 200, noise=25), np.dstack([grey(0, 200)] * 3)]),
        ("otsu", [grey(30, 200, noise=25), grey(0, 1), grey(90, 160).astype(np.uint16) * 200]),
        ("triangle", [grey(10, 180, noise=4), grey(0, 255)]),
    ],
    ids=["two values", "number", "otsu", "triangle"],
)
def test_binary(tmp_path: Path, threshold: int | str | None, masks: list[np.ndarray]) -> None:
    for number, pixels in enumerate(masks):
        save(tmp_path / f"data/images/{number}.png", film(number))
        save(tmp_path / f"data/masks/{number}.png", pixels)
    made = ingest(tmp_path / "data", tmp_path / "out", layout="folders", mask={"threshold": threshold})
    assert len(made.masks) == len(masks)
    for mask in made.masks.values():
        np.testing.assert_array_equal(mask, BINARY)
    assert made.account["lossy_masks"] is None


def test_class_indices_of_grey_values(read_one: Callable[..., Made]) -> None:
    made = read_one(lambda path: save(path, TRUTH), ".png", {"form": "indices"}, classes=CLASSES)
    np.testing.assert_array_equal(made.masks["a"], TRUTH)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_class_indices_of_a_palette(read_one: Callable[..., Made], suffix: str) -> None:
    """The palette's colours say nothing: two entries may have the same."""

    def write(path: Path) -> None:
        image = Image.fromarray(TRUTH, "P")
        image.putpalette([9, 9, 9, 200, 0, 0, 9, 9, 9])
        image.save(path)

    made = read_one(write, suffix, {"form": "indices"}, classes=CLASSES)
    np.testing.assert_array_equal(made.masks["a"], TRUTH)


def test_colours_within_the_distance(read_one: Callable[..., Made]) -> None:
    rng = np.random.default_rng(0)
    pixels = (COLOURS[TRUTH].astype(int) + rng.integers(-9, 10, (*SIZE, 3))).clip(0, 255).astype(np.uint8)
    mask = {"form": "colours", "colours": NAMED, "max_colour_distance": 20.0}
    made = read_one(lambda path: save(path, pixels), ".png", mask, classes=CLASSES)
    np.testing.assert_array_equal(made.masks["a"], TRUTH)


def test_colours_of_a_palette(read_one: Callable[..., Made]) -> None:
    def write(path: Path) -> None:
        image = Image.fromarray(TRUTH, "P")
        image.putpalette(COLOURS.tobytes())
        image.save(path)

    made = read_one(write, ".png", {"form": "colours", "colours": NAMED}, classes=CLASSES)
    np.testing.assert_array_equal(made.masks["a"], TRUTH)


def test_colours_of_a_jpeg(read_one: Callable[..., Made]) -> None:
    """Along edges JPEG mixes the colours: there the nearest one may be another, elsewhere it is the right one."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 95]
    mask = {"form": "colours", "colours": NAMED, "max_colour_distance": 200.0}
    made = read_one(lambda path: save(path, COLOURS[TRUTH], *parameters), ".jpg", mask, classes=CLASSES)
    edge = cv2.dilate(TRUTH, np.ones((5, 5))) != cv2.erode(TRUTH, np.ones((5, 5)))
    np.testing.assert_array_equal(made.masks["a"][~edge], TRUTH[~edge])


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float32])
def test_one_hot(read_one: Callable[..., Made], dtype: type) -> None:
    array = np.eye(3)[TRUTH].astype(dtype)
    made = read_one(lambda path: np.savez_compressed(path, mask=array), ".npz", {"form": "one_hot"}, classes=CLASSES)
    np.testing.assert_array_equal(made.masks["a"], TRUTH)


@pytest.mark.parametrize(("threshold", "least", "most"), [(1, 1.2, 2.0), (128, 0.98, 1.02), ("otsu", 0.98, 1.02)])
def test_a_jpeg_mask_by_a_threshold_reports_what_the_rule_adds(
    read_one: Callable[..., Made], threshold: int | str, least: float, most: float
) -> None:
    truth = cv2.ellipse(np.zeros(SIZE, np.uint8), (30, 24), (18, 13), 20, 0, 360, 255, -1)
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 75]
    made = read_one(lambda path: save(path, truth, *parameters), ".jpg", {"threshold": threshold})
    lossy = made.account["lossy_masks"]
    assert lossy.pop("mean_inflation") == pytest.approx(lossy["max_inflation"])
    grown = made.masks["a"].sum() / (truth > 0).sum()
    assert lossy == {"count": 1, "worst": "images/a.png", "max_inflation": pytest.approx(grown, rel=0.03)}
    assert least < grown < most


def test_sources_with_stray_pixels_are_counted_and_the_largest_share_told(tmp_path: Path) -> None:
    """1, 2 and no pixels of a file are stray; the second source has two files, and the greater share counts."""
    for number, stray in enumerate([(1,), (2, 1), (0,)]):
        save(tmp_path / f"data/images/{number}.png", film(number))
        for part, count in enumerate(stray):
            pixels = grey(0, 255)
            pixels[0, :count] = 100
            save(tmp_path / f"data/masks/{number}_{part}.png", pixels)
    pattern = r"(?P<name>.+)_\d"
    made = ingest(tmp_path / "data", tmp_path / "out", layout="folders", mask_pattern=pattern)
    for mask in made.masks.values():
        np.testing.assert_array_equal(mask, BINARY)
    area = SIZE[0] * SIZE[1]
    assert made.account["stray_pixels"] == {"count": 2, "max_share": 2 / area, "worst": "images/1.png"}


@pytest.mark.parametrize(
    ("pixels", "suffix", "mask", "kind", "reason"),
    [
        (grey(30, 200, noise=25), ".png", {}, "unclear mask", "grey values (5 to 225), expected 0 and one other"),
        (grey(0, 255), ".jpg", {}, "unclear mask", "a JPEG mask has no sharp classes"),
        (COLOURS[TRUTH], ".png", {}, "unclear mask", "the mask has colours"),
        (COLOURS[TRUTH], ".png", {"threshold": 100}, "unclear mask", "the mask has colours"),
        (grey(0, 255), ".png", {"threshold": 300}, "unclear mask", "threshold 300 is out of reach"),
        (3 * BINARY, ".png", {"form": "indices"}, "unclear mask", "expected class indices from 0 to 1"),
        (grey(0, 255), ".jpg", {"form": "indices"}, "unclear mask", "no exact values"),
        (COLOURS[TRUTH], ".png", RED, "unclear mask", "816 pixels are farther than 60 from all [data.mask] colours"),
        (film(0), ".png", {"threshold": 100}, "mask is the image", "its mask masks/a.png is the same file"),
    ],
    ids=[
        *("several values", "JPEG", "colours", "colours under a threshold", "threshold out of reach", "unnamed class"),
        *("JPEG indices", "unnamed colour", "the image"),
    ],
)  # fmt: skip
def test_what_a_rule_does_not_tell_is_a_reject(
    read_one: Callable[..., Made], pixels: np.ndarray, suffix: str, mask: dict, kind: str, reason: str
) -> None:
    made = read_one(lambda path: save(path, pixels), suffix, mask)
    assert made.records == {}
    [(found_kind, found_reason)] = made.rejects.values()
    assert found_kind == kind
    assert reason in found_reason


def test_a_mask_in_the_place_of_the_image_is_a_reject(tmp_path: Path) -> None:
    save(tmp_path / "data/images/a.png", 255 * BINARY)
    save(tmp_path / "data/masks/a.png", film(0))
    made = ingest(tmp_path / "data", tmp_path / "out", layout="folders", mask={"threshold": 128})
    assert made.rejects["images/a.png"][0] == "image and mask swapped"
