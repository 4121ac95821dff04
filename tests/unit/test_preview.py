"""The contact sheet: what stands on it, whether outlines lie on the lesions, and what is refused."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from discs import disc_mask
from matplotlib.contour import QuadContourSet
from typer.testing import CliRunner

from components.imaging.augmentation.augment import AugmentationDraw
from components.imaging.augmentation.fields import Field
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.warp import Warp
from components.imaging.truth.classes import IGNORE
from components.records.record import Record
from components.task import Task
from pipeline.cli.app import app
from pipeline.cli.sheet import contact_sheet, operations


def original(id: str = "case", channels: tuple[int, ...] = (), dtype: type = np.uint8) -> Record:
    mask = disc_mask(64, 64, 20, 40, 9)
    image = np.where(mask, 200, 50).astype(dtype).reshape(64, 64, *(1 for _ in channels))
    return Record(np.broadcast_to(image, (64, 64, *channels)), mask, id, "patient", "a.png", b"", {"kind": "placement"})


def copy_of(record: Record, number: int, augmentation: AugmentationDraw) -> Record:
    image, mask = augmentation.apply(np.ascontiguousarray(record.image), record.mask)
    return record.augmented(f"{record.id}+{number}", image, mask, augmentation.as_json())


def test_operations_are_named_in_their_order() -> None:
    warp = Warp(
        horizontal_flip=True,
        vertical_flip=True,
        quarter_turns=3,
        degrees=-12.34,
        zoom=1.1,
        shear_x=0.05,
        elastic=Field(0.006, 8, 1),
        distortion=Field(0.01, 5, 2, gradient=True),
        lenses=(Lens(0.5, 0.5, 0.3, 0.3), Lens(0.5, 0.5, 0.3, -0.25)),
    )
    assert list(operations(AugmentationDraw(warp, Intensity()), 512, 512)) == [
        *("barrel 0.30", "pincushion 0.25", "flip left-right", "flip up-down", "turn 270°"),
        *("shear +0.05 +0.00", "zoom 1.10", "rotation -12.3°", "elastic 0.60%", "distortion 1.00%"),
    ]
    intensity = Intensity(0.8, 1.2, -0.05, 2.0, 0.3, 0.002, 0.5, 0.03, 7, ((0, 0, 0.1, 0.1),) * 4)
    assert list(operations(AugmentationDraw(Warp(), intensity), 512, 512)) == [
        *("gamma 0.80", "contrast 1.20", "brightness -0.05", "CLAHE 2.0", "sharpening 0.30"),
        *("blur 0.20%", "resolution 50%", "noise 3.0%", "4 cut-outs"),
    ]
    assert list(operations(AugmentationDraw(Warp(), Intensity()), 512, 512)) == []


def test_a_field_that_was_reduced_is_shown_with_what_is_left_of_it() -> None:
    """An amplitude of 20 % at 8 intervals would fold; what is left does not depend on how much was asked for."""
    captions = []
    for amplitude in (0.2, 0.1):
        warp = Warp(elastic=Field(amplitude, 8, 1))
        left = warp.field_scale(512, 512) * amplitude
        (caption,) = operations(AugmentationDraw(warp, Intensity()), 512, 512)
        assert caption == f"elastic {left:.2%} of {amplitude:.2%}"
        back = np.array(warp.maps(512, 512)) - np.indices((512, 512))[::-1]
        assert np.sqrt(np.square(back).sum(0).mean()) / 512 == pytest.approx(left, rel=0.05)
        captions.append(caption.split(" of ")[0])
    assert captions[0] == captions[1]


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_outlines_lie_on_the_lesions(channels: tuple[int, ...], dtype: type) -> None:
    record = original(channels=channels, dtype=dtype)
    turned = copy_of(record, 1, AugmentationDraw(Warp(quarter_turns=1), Intensity()))
    figure = contact_sheet([[record, turned]], Task())
    for axes, row, column in zip(figure.axes, (20, 64 - 1 - 40), (40, 20), strict=True):
        (contour,) = (item for item in axes.collections if isinstance(item, QuadContourSet))
        points = np.concatenate([path.vertices for path in contour.get_paths()])
        # The disc's edge lies between the last pixel within it and the first one outside.
        distance = np.hypot(points[:, 0] - column, points[:, 1] - row)
        assert np.abs(distance - 9).max() < 1
        shown = np.asarray(axes.images[0].get_array())
        bright = shown.reshape(64, 64, -1)[..., 0] > 0.9
        np.testing.assert_array_equal(bright, disc_mask(64, 64, row, column, 9) > 0)


def test_a_brighter_copy_is_shown_brighter() -> None:
    record = original()
    darker = copy_of(record, 1, AugmentationDraw(Warp(), Intensity(contrast=0.5)))
    figure = contact_sheet([[record, darker]], Task())
    one, other = (np.asarray(axes.images[0].get_array()) for axes in figure.axes)
    assert other.max() == pytest.approx(one.max() / 2)


def test_captions_name_records_and_what_was_done() -> None:
    record = original()
    plain = copy_of(record, 1, AugmentationDraw(Warp(), Intensity()))
    flipped = copy_of(
        record, 2, AugmentationDraw(Warp(horizontal_flip=True, degrees=5), Intensity(gamma=0.5, contrast=2))
    )
    labels = [axes.get_xlabel() for axes in contact_sheet([[record, plain, flipped]], Task()).axes]
    assert labels[:2] == ["case\noriginal", "case+1\nnothing"]
    assert labels[2].replace("\u00a0", " ").splitlines() == [
        *("case+2", "flip left-right, rotation +5.0°,", "gamma 0.50, contrast 2.00"),
    ]


@pytest.mark.parametrize(("id", "caption"), [("a$^$b\x1b[31m", r"a$^$b\x1b[31m"), ("x" * 5000, "…")])
def test_captions_and_names_are_text_not_formulas(id: str, caption: str, tmp_path: Path) -> None:
    figure = contact_sheet([[original(id)]], Task(classes=["$^$"]))
    figure.savefig(tmp_path / "sheet.png")
    label = figure.axes[0].get_xlabel()
    assert caption in label
    assert len(label) < 300


def test_every_class_has_a_line_and_a_name() -> None:
    mask = disc_mask(64, 64, 20, 20, 8) + 3 * disc_mask(64, 64, 45, 45, 8)
    mask[:, :4] = IGNORE
    record = Record(50 + 30 * (mask % IGNORE), mask, "case", "patient", "a.png", b"", {})
    task = Task(classes=["tumour", "stroma", "vessel"], ignores=True)
    figure = contact_sheet([[record]], task)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["tumour", "vessel"]
    # Those of the report.
    expected = [tuple(value / 255 for value in task.colour(index)) for index in (1, 3)]
    assert [line.get_color() for line in legend.get_lines()] == expected
    contours = [item for item in figure.axes[0].collections if isinstance(item, QuadContourSet)]
    assert [tuple(contour.get_edgecolor()[0][:3]) for contour in contours] == expected


def test_rows_of_the_sheet_do_not_overlap() -> None:
    """Long captions take room from no picture."""
    everything = AugmentationDraw(
        Warp(True, True, 1, 10, 1.1, 0.1, 0.1, Field(0.01, 8, 1), Field(0.01, 8, 2), (Lens(0.5, 0.5, 0.3, 0.3),)),
        Intensity(0.8, 1.2, -0.05, 2.0, 0.3, 0.002, 0.5, 0.03, 7, ((0, 0, 0.1, 0.1),)),
    )
    records = [original("one"), original("two")]
    figure = contact_sheet([[record, copy_of(record, 1, everything)] for record in records], Task())
    figure.canvas.draw()
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    for number, box in enumerate(boxes):
        assert box is not None
        assert figure.bbox.padded(1).containsx(box.x0)
        assert figure.bbox.padded(1).containsx(box.x1)
        assert figure.bbox.padded(1).containsy(box.y0)
        for other in boxes[number + 1 :]:
            assert not box.overlaps(other)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Twelve patients, a third of them without a lesion."""
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for number in range(12):
        mask = disc_mask(64, 64, *rng.uniform(15, 48, 2), 8) * (number % 3 > 0)
        image = rng.normal(60 + 110 * mask, 12).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"data/images/p{number:02d}.png"), image)
        cv2.imwrite(str(tmp_path / f"data/masks/p{number:02d}.png"), 255 * mask)
    return tmp_path / "data"


def run(*arguments: object) -> tuple[int, Any]:
    sizes = ("--set", "data.height=64", "--set", "data.width=64")
    result = CliRunner().invoke(app, ["augment", "folders", *map(str, arguments), *sizes, "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else result.output


def test_the_sheet_shows_the_copies_that_the_graph_makes(pairs: Path, tmp_path: Path) -> None:
    code, printed = run("--data", pairs, "--preview", tmp_path / "sheet.png", "--count", 3)
    assert code == 0
    assert cv2.imread(str(tmp_path / "sheet.png")).std() > 20
    ids = list(printed["copies"])
    assert len(ids) == 12
    assert [id[3:] for id in ids] == ["+1", "+2", "+3"] * 4
    assert all(int(id[1:3]) % 3 for id in ids)
    _, fewer = run("--data", pairs, "--preview", tmp_path / "sheet.png", "--count", 1)
    assert fewer["copies"] == {id: printed["copies"][id] for id in ids if id.endswith("+1")}


def test_a_recipe_with_phantoms_needs_no_data(tmp_path: Path) -> None:
    small = ("--set", "data.phantoms={women=12,size=128,seed=1}", "--set", "data.height=64", "--set", "data.width=64")
    result = CliRunner().invoke(
        app, ["augment", "demo", "--preview", str(tmp_path / "sheet.png"), "--count", "1", *small]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


NOTHING = (
    *("--set", "augmentation.copies=0", "--set", "augmentation.horizontal_flip=0"),
    *("--set", "augmentation.rotation={probability=0}"),
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preview", "sheet.jpg"), "sheet.jpg: expected the name of a PNG file"),
        (("--preview", "no/folder/sheet.png"), "no/folder/sheet.png: cannot be written: No such file or directory"),
        (
            ("--preview", "x.png", *NOTHING),
            "the probability of every operation is 0, so there is nothing to show",
        ),
        (
            ("--preview", "x.png", "--set", 'data.splits.test_groups=["*"]'),
            "no training image with foreground can be used",
        ),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(
    arguments: tuple[str, ...], message: str, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed = run("--data", pairs, *arguments)
    assert (code, message in printed["error"]) == (2, True), printed


@pytest.mark.parametrize(
    ("preview", "message"),
    [
        ("sheet.jpg", "expected the name of a PNG file"),
        ("sheet", "expected the name of a PNG file"),
        ("folder.png", "cannot be written: Is a directory"),
        ("file.png/sheet.png", "cannot be written: Not a directory"),
        ("missing/sheet.png", "cannot be written: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_data_are_read(
    preview: str, message: str, tmp_path: Path
) -> None:
    """There are no data, which would be the complaint otherwise."""
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.png").touch()
    code, printed = run("--preview", tmp_path / preview)
    assert (code, printed["error"].startswith(f"{tmp_path / preview}: {message}")) == (2, True), printed
    assert {path.name for path in tmp_path.iterdir()} == {"folder.png", "file.png"}


def test_what_fails_later_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    for name, content in (("old.png", b"old"), ("new.png", None)):
        if content:
            (tmp_path / name).write_bytes(content)
        code, _ = run("--preview", tmp_path / name)
        assert code == 2
        assert ((tmp_path / name).read_bytes() if content else (tmp_path / name).exists()) == (content or False)


def test_a_sheet_that_cannot_be_finished_leaves_the_old_one(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "sheet.png").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        code, printed = run("--data", pairs, "--preview", tmp_path / "sheet.png", "--count", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (code, printed["status"]) == (1, "disk full")
    assert "File too large" in printed["error"]
    assert (tmp_path / "sheet.png").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"sheet.png", "data"}


def test_a_link_stays_and_what_it_points_to_is_written(pairs: Path, tmp_path: Path) -> None:
    link, target = tmp_path / "link.png", tmp_path / "elsewhere.png"
    link.symlink_to(target)
    assert run("--preview", link)[0] == 2
    assert link.is_symlink()
    assert not target.exists()
    assert run("--data", pairs, "--preview", link, "--count", 1)[0] == 0
    assert link.is_symlink()
    assert cv2.imread(str(target)) is not None
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    code, printed = run("--preview", loop)
    assert (code, printed["error"].startswith("no data")) == (2, True)


def test_a_recipe_without_phantoms_needs_data(tmp_path: Path) -> None:
    code, printed = run("--preview", tmp_path / "sheet.png")
    assert code == 2
    assert printed["error"].startswith("no data: give the folder with the images, --data DIR")
