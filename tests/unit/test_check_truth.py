"""`maskline check` on folders whose truth is full, upside down or turned: nothing is lost in silence."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from raw_images import png, tiff, write

from pipeline.cli.check_tables import print_check
from pipeline.runs.check import check_folder

CASES = 24
SIZE = ["data.height=32", "data.width=32"]


def film(number: int, shape: tuple[int, int] = (40, 56)) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random image with a bright rectangle away from the middle, and its mask, 0 and 1."""
    rng = np.random.default_rng(number)
    mask = np.zeros(shape, np.uint8)
    mask[4 + number % 5 : 14 + number % 5, 6 + number % 7 : 18 + number % 7] = 1
    tissue = cv2.resize(rng.uniform(20, 160, (10, 14)).astype(np.float32), shape[::-1])
    return (tissue + 60 * mask + rng.uniform(0, 8, shape)).astype(np.uint8), mask


def saved(image: Image.Image, kind: str = "PNG", orientation: int | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[274] = orientation
        options |= {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif}
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def folder_of(
    root: Path,
    mask_file: Callable[[int, np.ndarray], bytes],
    image_file: Callable[[int, np.ndarray], bytes] = lambda _, image: png(image),
    shape: tuple[int, int] = (40, 56),
) -> Path:
    for number in range(CASES):
        image, mask = film(number, shape)
        write(root / "images" / f"case{number:02}.png", image_file(number, image))
        write(root / "masks" / f"case{number:02}.png", mask_file(number, mask))
    return root


def check(folder: Path, *overrides: str) -> dict[str, Any]:
    return check_folder(folder, None, [*SIZE, *overrides])


def found(report: dict[str, Any], key: str = "problems") -> dict[str, int]:
    usual = "one image per group"  # names tell no patient
    return {item["kind"]: item["count"] for item in report[key] if item["kind"] != usual}


def text_of(report: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "1000")
    print_check(report)
    return capsys.readouterr().out


@pytest.mark.parametrize("fit", ["data.fit=letterbox", "data.fit=crop", "data.fit=stretch", "data.tiles.edge=pad"])
def test_masks_without_background_stop_whatever_records_add_around_them(tmp_path: Path, fit: str) -> None:
    report = check(folder_of(tmp_path, lambda _, mask: png(np.full_like(mask, 255))), fit, "data.width=64")
    assert found(report) == {"masks without background": CASES}
    assert all(set(split["classes"]) == {"foreground"} for split in report["splits"].values())


def test_some_masks_without_background_are_a_note(tmp_path: Path) -> None:
    """Also where the record has black borders."""
    report = check(folder_of(tmp_path, lambda number, mask: png(np.maximum(255 * mask, 255 * (number < 6)))))
    assert found(report) == {}
    assert found(report, "notes") == {"masks without background": 6}
    assert sum(split["classes"]["background"] for split in report["splits"].values()) == CASES - 6


def test_tiles_within_a_lesion_are_no_fault(tmp_path: Path) -> None:
    def large(_: int, mask: np.ndarray) -> bytes:
        return png(255 * np.pad(np.ones((24, 24), np.uint8), ((0, 16), (0, 32))))

    report = check(folder_of(tmp_path, large), "data.height=16", "data.width=16", "data.tiles.edge=pad")
    assert any(record["foreground"] == 1 for record in report["records"])
    assert "masks without background" not in {**found(report), **found(report, "notes")}


def test_full_of_what_is_judged_is_full(tmp_path: Path) -> None:
    report = check(folder_of(tmp_path, lambda _, mask: png(mask + np.uint8(1))), "data.mask.ignore=2")
    assert found(report) == {"masks without background": CASES}


def inverting_palette(mask: np.ndarray) -> bytes:
    """As ImageJ writes it: an object has the value 255, which its palette shows black."""
    image = Image.fromarray(255 * mask, "P")
    image.putpalette([255 - value for value in range(256) for _ in range(3)])
    return saved(image)


UPSIDE_DOWN = {
    "inverting palette": inverting_palette,
    "0 on 255": lambda mask: png(255 - 255 * mask),
    "0 on 1": lambda mask: png(1 - mask),
    "0 on 65535": lambda mask: png(65535 * (1 - mask.astype(np.uint16))),
    "one bit": lambda mask: saved(Image.fromarray(mask == 0)),
    "TIFF, white is zero": lambda mask: tiff(255 * mask, tags={262: [0]}),
    "TIFF, white is zero, 16 bit": lambda mask: tiff(65535 * mask.astype(np.uint16), tags={262: [0]}),
    "transparent where drawn": lambda mask: png(np.dstack([0 * mask, 255 - 255 * mask])),
}


@pytest.mark.parametrize("kind", UPSIDE_DOWN)
def test_masks_that_are_upside_down_stop_until_the_recipe_says_which_way(tmp_path: Path, kind: str) -> None:
    folder = folder_of(tmp_path, lambda _, mask: UPSIDE_DOWN[kind](mask))
    report = check(folder)
    assert found(report) == {"mostly foreground": CASES}
    [stop] = report["problems"]
    assert "foreground covers 95% of an image (median of 24), and lies along all four borders of 24" in stop["what"]
    assert 'set [data.mask] foreground = "dark"' in stop["advice"]
    read = check(folder, "data.mask.foreground=dark")
    assert found(read) == found(read, "notes") == {}
    assert read["masks"]["median_foreground"] == pytest.approx(120 / 2240)
    [rule] = read["masks"]["rules"]
    assert rule.startswith("grey value 0")


def test_foreground_that_covers_most_may_be_meant(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, lambda _, mask: png(255 - 255 * mask))
    assert found(check(folder, "validation.mostly_foreground=true")) == {}


def test_check_says_which_way_masks_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mixed(number: int, mask: np.ndarray) -> bytes:
        return inverting_palette(1 - mask) if number < 5 else png(mask)

    report = check(folder_of(tmp_path, mixed))
    assert report["masks"]["rules"] == {
        "grey value 255 of its palette": {"sources": 5, "example": "masks/case00.png"},
        "grey value 1": {"sources": 19, "example": "masks/case05.png"},
    }
    text = text_of(report, capsys, monkeypatch)
    assert "Read as foreground: grey value 255 of its palette, of 5 images, such as masks/case00.png" in text
    assert "It covers 5.4% of an image" in text


def test_of_many_rules_the_most_frequent_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where each mask has the number of its instance."""
    report = check(folder_of(tmp_path, lambda number, mask: png(mask * np.uint8(max(1, number - 4)))))
    assert len(report["masks"]["rules"]) == 19
    lines = [line for line in text_of(report, capsys, monkeypatch).splitlines() if "foreground: " in line]
    assert lines[0] == "Read as foreground: grey value 1, of 6 images, such as masks/case00.png"
    assert lines[5:] == ["Read as foreground: 14 rules more, of 14 images"]


def test_foreground_along_the_borders_of_most_masks(tmp_path: Path) -> None:
    """A ring around the image covers a third of it."""

    def ring(number: int, mask: np.ndarray) -> bytes:
        frame = np.ones_like(mask)
        frame[5:-5, 5:-5] = 0
        return png(255 * frame if number < 13 else 255 * mask)

    report = check(folder_of(tmp_path, ring))
    assert found(report) == {"mostly foreground": 13}
    assert "borders of 13" in report["problems"][0]["what"]


def test_tissues_that_cover_an_image_are_no_fault(tmp_path: Path) -> None:
    """As those of the breast: of several classes foreground is all that is not background."""
    options = ["data.classes=['breast', 'lesion']", "data.mask.form=indices"]

    def tissues(_: int, mask: np.ndarray) -> bytes:
        return png(mask + np.uint8(1))

    report = check(folder_of(tmp_path, tissues), *options)
    assert found(report) == found(report, "notes") == {}
    assert all(set(split["classes"]) == {"breast", "lesion"} for split in report["splits"].values())


def test_masks_drawn_in_the_alpha_channel_are_read(tmp_path: Path) -> None:
    """Those of black were read as empty, those of white as full."""

    def drawn(number: int, mask: np.ndarray) -> bytes:
        colour = np.full_like(mask, 0 if number < 3 else 255)
        return png(np.dstack([colour, colour, colour, 255 * mask]) if number < 6 else 255 * mask)

    report = check(folder_of(tmp_path, drawn))
    assert found(report) == found(report, "notes") == {}
    assert report["masks"]["rules"]["grey value 255 of its alpha channel"]["sources"] == 6
    assert {record["classes"] for record in report["records"]} == {(0, 1)}


def photographs(root: Path, orientations: dict[int, int], shape: tuple[int, int]) -> Path:
    """JPEG images of which some carry an orientation, and masks, drawn on the stored pixels, that carry none."""
    return folder_of(
        root,
        lambda _, mask: png(255 * mask),
        lambda number, image: saved(Image.fromarray(image), "JPEG", orientations.get(number, 1), quality=95),
        shape,
    )


def test_photographs_whose_masks_were_not_turned_are_refused_by_name(tmp_path: Path) -> None:
    """Two turned by 90 degrees, eight by 180: those were read with wrong truth."""
    folder = photographs(tmp_path, dict.fromkeys(range(10), 3) | {0: 6, 1: 6}, (40, 56))
    report = check(folder)
    reasons = {reject["source"]: (reject["kind"], reject["reason"]) for reject in report["rejects"]}
    assert len(reasons) == 10
    assert found(report) == {"rejects": 10, "small split": 4}
    assert found(report, "notes") == {"orientation": 10}
    assert report["orientation"] == {"images": 10, "masks_alike": 0, "masks_otherwise": 10}
    kind, reason = reasons["images/case00.png"]
    assert kind == "sizes differ"
    assert "a turn by 90 degrees, its mask none" in reason
    assert 'as stored: set [data] orientation = "ignore"' in reason
    kind, reason = reasons["images/case02.png"]
    assert kind == "orientation"
    assert "a turn by 180 degrees, its mask masks/case02.png none" in reason
    stored = check(folder, "data.orientation=ignore")
    assert stored["rejects"] == []
    assert found(stored) == {}
    assert found(stored, "notes") == {"orientation": 10}
    refused = check(folder, "data.orientation=apply")["rejects"]
    assert [reject["source"] for reject in refused] == ["images/case00.png", "images/case01.png"]


def test_sizes_tell_that_masks_were_drawn_upright(tmp_path: Path) -> None:
    report = check(
        folder_of(
            tmp_path,
            lambda number, mask: png(255 * (np.rot90(mask, -1) if number < 5 else mask)),
            lambda number, image: saved(Image.fromarray(image), "JPEG", 6 if number < 5 else None),
        )
    )
    assert report["rejects"] == []
    assert report["orientation"] == {"images": 5, "masks_alike": 0, "masks_otherwise": 5}
    assert found(report, "notes") == {"orientation": 5}


@pytest.mark.parametrize(
    ("image", "mask", "refused"),
    [
        pytest.param(("PNG", 3), ("PNG", None), True, id="PNG eXIf"),
        pytest.param(("TIFF", 3), ("PNG", None), True, id="TIFF tag"),
        pytest.param(("PNG", None), ("TIFF", 4), True, id="the mask alone"),
        pytest.param(("JPEG", 3), ("PNG", 2), True, id="another"),
        pytest.param(("JPEG", 3), ("TIFF", 3), False, id="the same"),
        pytest.param(("JPEG", 1), ("PNG", None), False, id="upright, and nothing said"),
    ],
)
def test_image_and_mask_must_carry_the_same(
    tmp_path: Path, image: tuple[str, int | None], mask: tuple[str, int | None], refused: bool
) -> None:
    folder = folder_of(
        tmp_path,
        lambda _, pixels: saved(Image.fromarray(255 * pixels), *mask),
        lambda _, pixels: saved(Image.fromarray(pixels), *image),
    )
    report = check(folder)
    assert {reject["kind"] for reject in report["rejects"]} == ({"orientation"} if refused else set())
    carried = {image[1], mask[1]} - {None, 1}
    assert ("orientation" in found(report, "notes")) is bool(carried)
    assert report["orientation"]["images"] == (CASES if image[1] not in (None, 1) else 0)


def test_outlines_carry_no_orientation(tmp_path: Path) -> None:
    folder = photographs(tmp_path, {3: 3}, (40, 56))
    rows = [
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes",
        *(
            f'case{number:02}.png,1,{{}},1,0,"{{""name"":""circle"",""cx"":12,""cy"":9,""r"":6}}",{{}}'
            for number in range(CASES)
        ),
    ]
    write(folder / "annotations.csv", "\n".join(rows).encode())
    [reject] = check(folder, "data.layout=via", "data.table=annotations.csv")["rejects"]
    assert (reject["source"], reject["kind"]) == ("images/case03.png", "orientation")
    assert "a turn by 180 degrees, its outlines none" in reject["reason"]
