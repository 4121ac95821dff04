"""The layouts, by the config."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dicom_files import EIGHT, dicom
from raw_images import write

from components.errors import UsageError
from components.example_gen import layouts
from components.example_gen.layouts.registry import LAYOUTS
from components.example_gen.listing import detect_layout, fingerprint, input_patterns, list_samples
from components.example_gen.samples import Drawing, MaskFiles
from components.example_gen.settings import DataSettings, Groups, Reading
from components.records.split_settings import Splits


def settings(layout: str, **changes: Any) -> DataSettings:
    return DataSettings(layout=layout, height=16, width=16, **changes)


# For each layout its files, of which the first is an image.
FILES = {
    "folders": ["images/a.png", "masks/a.png", "images/b.png", "masks/b.png", "images/p/c.png", "masks/p/c.png"],
    "presplit": ["train/images/a.png", "train/masks/a.png", "val/images/p/b.png", "val/masks/p/b.png"],
    "manifest": ["x/y/z/a.png", "x/y/z/b.png", "manifest.csv"],
    "mias": ["mdb001.pgm", "mdb002.pgm", "Info.txt"],
    "annotations": ["images/a.png", "a.geojson"],
    "bcss": ["images/a.png", "annotations/a.json"],
    "sipakmed": ["im_Parabasal/a.bmp", "im_Parabasal/a_cyt01.dat"],
    "via": ["images/a.png", "shapes.csv"],
    "paths": ["images/a.png", "masks/a.png"],
}
TABLES = {
    "manifest.csv": b"image,mask\nx/y/z/a.png,x/y/z/b.png\n",
    "Info.txt": b"mdb001 G NORM\nmdb002 G NORM\n",
    "a.geojson": b"""{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry":
        {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 1]]]}}]}""",
    "annotations/a.json": b"""[{"annotation": {"elements": [
        {"type": "rectangle", "group": "roi", "center": [8, 8, 0], "width": 16, "height": 16},
        {"type": "polyline", "group": "tumor", "points": [[1, 1, 0], [9, 1, 0], [9, 9, 0]]}]}}]""",
    "im_Parabasal/a_cyt01.dat": b"1,1\n9,1\n9,9\n",
    "shapes.csv": b"filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,"
    b"region_attributes\na.png,1,{},0,0,{},{}\n",
}


def fill(root: Path, layout: str) -> Path:
    for number, name in enumerate(FILES[layout]):
        write(root / name, TABLES.get(name, b"same size"))
        # Within one second, as copying makes them.
        os.utime(root / name, ns=(0, 1_700_000_000_000_000_000 + 10 * number))
    return root


@pytest.mark.parametrize("names", [["1.2.840.7.5", "1.2.840.7.6"], ["IM000001", "IM000002"]], ids=["UIDs", "numbers"])
@pytest.mark.parametrize("layout", ["folders", "manifest"])
def test_dicom_files_without_suffix_are_samples_of_their_own(tmp_path: Path, names: list[str], layout: str) -> None:
    for name in names:
        write(tmp_path / "images" / name, dicom(EIGHT))
        write(tmp_path / "masks" / f"{name}.png", b"")
    rows = "".join(f"images/{name},masks/{name}.png\n" for name in names)
    write(tmp_path / "manifest.csv", b"image,mask\n" + rows.encode())
    listing = list_samples(tmp_path, settings(layout, groups=Groups(by="name")))
    assert listing.rejects == ()
    assert [sample.image for sample in listing.samples] == [f"images/{name}" for name in names]
    assert [sample.group for sample in listing.samples] == names


def test_folders(tmp_path: Path) -> None:
    samples = list_samples(fill(tmp_path, "folders"), settings("folders")).samples
    assert [(sample.image, sample.truth) for sample in samples] == [
        (f"images/{name}.png", MaskFiles((f"masks/{name}.png",))) for name in ("a", "b", "p/c")
    ]


def test_presplit(tmp_path: Path) -> None:
    samples = list_samples(fill(tmp_path, "presplit"), settings("presplit")).samples
    assert [(sample.id, sample.split) for sample in samples] == [("train/a", "train"), ("val/p/b", "eval")]


def test_manifest(tmp_path: Path) -> None:
    [sample] = list_samples(fill(tmp_path, "manifest"), settings("manifest")).samples
    assert (sample.image, sample.truth) == ("x/y/z/a.png", MaskFiles(("x/y/z/b.png",)))


@pytest.mark.parametrize("table", ["", "Truth.txt"])
def test_mias(tmp_path: Path, table: str) -> None:
    write(tmp_path / "mdb001.pgm", b"")
    write(tmp_path / (table or "Info.txt"), b"mdb001 D NORM\n")
    [sample] = list_samples(tmp_path, settings("mias", table=table)).samples
    assert (sample.image, sample.truth, sample.label) == (
        "mdb001.pgm",
        Drawing((), bottom_left=True, canvas=(1024, 1024)),
        "normal",
    )


@pytest.mark.parametrize("layout", FILES)
def test_spans_of_every_layout(tmp_path: Path, layout: str) -> None:
    alone = list_samples(fill(tmp_path / "alone", layout), settings(layout)).samples
    for number in (2, 9, 10):
        fill(tmp_path / "all" / f"span-{number}", layout)
    found = list_samples(tmp_path / "all", settings(layout, spans=2))
    expected = [(number, one) for number in (2, 9, 10) for one in alone if number > 2 or one.split == "test"]
    assert [(sample.id, sample.group, sample.split) for sample in found.samples] == [
        (f"span-{number}/{one.id}", one.group, one.split) for number, one in expected
    ]
    everything = list_samples(tmp_path / "all", settings(layout, spans=0))
    assert len(everything.samples) == 3 * len(alone)
    assert found.sources == everything.sources


@pytest.mark.parametrize(("old", "new"), [("span-9", "span-10"), ("span-2025-12-31", "span-2026-01-01")])
def test_of_old_spans_there_is_the_test_split_alone(tmp_path: Path, old: str, new: str) -> None:
    """Of p1 and p9 one is test, p1 by hash, and of three no more; of the others p2 is eval."""
    names = {f"{old}/images": ["p1_a", "p9_a", "alone"], f"{new}/images": ["p9_b", "p1_b", "p2_b", "lost"]}
    for folder, members in names.items():
        for name in members:
            write(tmp_path / folder / f"{name}.png", b"")
            write(tmp_path / folder.replace("images", "masks") / f"{name if '_' in name else 'other'}.png", b"")
    groups, splits = Groups(by="pattern", pattern=r"(p\d+)_"), Splits(train=1, eval=1, test=2)
    found = list_samples(tmp_path, settings("folders", spans=1, groups=groups, splits=splits))
    assert {sample.image: sample.split for sample in found.samples} == {
        f"{old}/images/p1_a.png": "test",
        f"{new}/images/p1_b.png": "test",
        f"{new}/images/p2_b.png": "eval",
        f"{new}/images/p9_b.png": "train",
    }
    assert {reject.source for reject in found.rejects} == {f"{new}/images/lost.png", f"{new}/masks/other.png"}
    assert {(reject.source, reject.kind) for reject in found.left_out} == {
        (f"{old}/{name}", "span") for name in ("images/p9_a.png", "images/alone.png", "masks/other.png")
    }
    reasons = {reject.source: reject.reason for reject in found.left_out}
    assert reasons[f"{old}/images/p9_a.png"] == "older than the last span, and not in the test split"
    assert reasons[f"{old}/images/alone.png"].startswith("older than the last span; ")


def test_with_listed_test_groups_the_newest_span_adds_its_own_share(tmp_path: Path) -> None:
    """Of p9 and p4 one is drawn, p4, and it is tested on while the span that it comes with is the newest."""
    data = settings("folders", spans=1, splits=Splits(train=1, eval=1, test=1, test_groups=["p1"]))
    for span, names in (("span-1", ["p1", "p2"]), ("span-2", ["p9", "p4"]), ("span-3", ["p4", "p5"])):
        for name in names:
            write(tmp_path / span / "images" / f"{name}.png", b"")
            write(tmp_path / span / "masks" / f"{name}.png", b"")
        tested = {sample.image for sample in list_samples(tmp_path, data).samples if sample.split == "test"}
        assert tested == {"span-1/images/p1.png"} | ({"span-2/images/p4.png"} if span == "span-2" else set())


def test_every_layout_that_is_written_is_listed_by_its_name_and_tested_here() -> None:
    files = Path(layouts.__file__).parent.glob("*.py")
    written = {f"{layouts.__name__}.{path.stem}" for path in files if "\nLAYOUT = " in path.read_text()}
    assert {layout.listing.__module__ for layout in LAYOUTS.values()} == written
    assert [layout.name for layout in LAYOUTS.values()] == list(LAYOUTS)
    assert set(FILES) == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_reads_the_keys_that_it_says_and_no_others(tmp_path: Path, name: str) -> None:
    """What it reads unsaid could not be set, what it says unread would be set in vain; `classes` is for all."""
    layout, root, data = LAYOUTS[name], fill(tmp_path, name), settings(name)
    assert layout.keys <= Reading.model_fields.keys()
    said = {key: getattr(data, key) for key in ("classes", *layout.keys)}
    assert layout.listing(root, SimpleNamespace(**said)) == layout.listing(root, data)
    assert layout.patterns(SimpleNamespace(**said)) == layout.patterns(data)
    for key in layout.keys:
        less = {other: value for other, value in said.items() if other != key}
        with pytest.raises(AttributeError, match=f"'{key}'"):
            layout.listing(root, SimpleNamespace(**less))


@pytest.mark.parametrize("layout", FILES)
def test_no_folder(tmp_path: Path, layout: str) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        list_samples(tmp_path / "nowhere", settings(layout))
    with pytest.raises(UsageError, match="no such folder"):
        list_samples(write(tmp_path / "file", b""), settings(layout))


@pytest.mark.parametrize("layout", FILES)
def test_empty_folders(tmp_path: Path, layout: str) -> None:
    for name in ("images/n.txt", "masks/n.txt", "train/images/n.txt", "train/masks/n.txt", "Info.txt"):
        write(tmp_path / name, b"nothing here\n")
    write(tmp_path / "manifest.csv", b"image,mask\n")
    write(tmp_path / "annotations/n.txt", b"")
    write(tmp_path / "n.geojson", b'[{"type": "Feature"}]')
    write(tmp_path / "im_Parabasal/n.txt", b"")
    write(tmp_path / "shapes.csv", TABLES["shapes.csv"].splitlines()[0])
    nothing = rf"holds no image. Expected files \.bmp, .* in layout '{layout}'"
    message = r"no image is at 'images/\{name\}'" if layout == "paths" else nothing
    with pytest.raises(UsageError, match=message):
        list_samples(tmp_path, settings(layout))


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """A folder for everybody, and for the time of the test no right to read what forbids it."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        if user == 0:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


@pytest.mark.parametrize("closed", [".", "images", "masks/p"])
def test_a_folder_that_may_not_be_read(plain_user: Path, closed: str) -> None:
    os.seteuid(os.getuid())
    fill(plain_user, "folders")
    (plain_user / closed).chmod(0)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(
        UsageError, match=rf"{re.escape(str(plain_user / closed))}.*: cannot be read: Permission denied"
    ):
        list_samples(plain_user, settings("folders"))
    os.seteuid(os.getuid())
    (plain_user / closed).chmod(0o755)


def swap(one: Path, other: Path) -> None:
    one.rename(one.with_suffix(".kept"))
    other.rename(one)
    one.with_suffix(".kept").rename(other)


CHANGES: list[tuple[str, Callable[[Path], Any]]] = [
    ("folders", lambda root: swap(root / "masks/a.png", root / "masks/b.png")),
    ("folders", lambda root: (root / "images/a.png").rename(root / "images/c.png")),
    ("folders", lambda root: os.utime(root / "images/a.png", ns=(0, 1_000_000_001))),
    ("folders", lambda root: write(root / "images/d.png", b"")),
    ("folders", lambda root: os.utime(root / "masks/p/c.png", ns=(0, 1_000_000_001))),
    ("folders", lambda root: write(root / "masks/p/d.png", b"")),
    ("folders", lambda root: (root / "images/p").rename(root / "images/q")),
    ("folders", lambda root: (root / "images/gone.png").symlink_to("nowhere.png")),
    ("folders", lambda root: (root / "images/p/too deep").mkdir()),
    ("presplit", lambda root: (root / "val").rename(root / "eval")),
    ("presplit", lambda root: swap(root / "train/images/a.png", root / "train/masks/a.png")),
    ("presplit", lambda root: os.utime(root / "val/masks/p/b.png", ns=(0, 1_000_000_001))),
    ("presplit", lambda root: fill(root / "span", "folders").rename(root / "test")),
    ("manifest", lambda root: swap(root / "x/y/z/a.png", root / "x/y/z/b.png")),
    ("manifest", lambda root: os.utime(root / "x/y/z/b.png", ns=(0, 1_000_000_001))),
    ("manifest", lambda root: (root / "x/y/z/b.png").unlink()),
    ("manifest", lambda root: os.utime(root / "manifest.csv", ns=(0, 1_000_000_000))),
    ("mias", lambda root: swap(root / "mdb001.pgm", root / "mdb002.pgm")),
    ("mias", lambda root: os.utime(root / "Info.txt", ns=(0, 1_000_000_001))),
    ("bcss", lambda root: os.utime(root / "annotations/a.json", ns=(0, 1_000_000_001))),
    ("sipakmed", lambda root: os.utime(root / "im_Parabasal/a_cyt01.dat", ns=(0, 1_000_000_001))),
    ("via", lambda root: os.utime(root / "shapes.csv", ns=(0, 1_000_000_001))),
]


@pytest.mark.parametrize("spans", [None, 1])
@pytest.mark.parametrize(("layout", "change"), CHANGES)
def test_fingerprint_sees_a_change(
    tmp_path: Path, layout: str, change: Callable[[Path], Any], spans: int | None
) -> None:
    data = settings(layout, spans=spans)
    root = fill(tmp_path if spans is None else tmp_path / "span-3", layout)
    before = fingerprint(tmp_path, data)
    assert fingerprint(tmp_path, data) == before
    change(root)
    assert fingerprint(tmp_path, data) != before


def test_fingerprint_sees_a_folder_that_is_no_split(tmp_path: Path) -> None:
    fill(tmp_path, "presplit")
    before = fingerprint(tmp_path, settings("presplit"))
    (tmp_path / "testing").mkdir()
    assert fingerprint(tmp_path, settings("presplit")) != before
    [reject] = list_samples(tmp_path, settings("presplit")).rejects
    assert (reject.source, reject.kind) == ("testing", "split")


@pytest.mark.parametrize("layout", ["folders", "manifest"])
def test_fingerprint_does_not_see_what_is_not_read(tmp_path: Path, layout: str) -> None:
    data = settings(layout, spans=1)
    for span in ("span-2", "span-3"):
        fill(tmp_path / span, layout)
    before = fingerprint(tmp_path, data)
    others = ["notes.txt", "span-3/notes.txt", "span-3/extra/a.png", "span-2/extra/new.png", "2/images/new.png"]
    left_behind = [".DS_Store", "images/.DS_Store", "images/Thumbs.db", "masks/p/._c.png", "train/images/.cache/a.png"]
    for name in [*others, *(f"span-3/{name}" for name in left_behind)]:
        write(tmp_path / name, b"")
    assert fingerprint(tmp_path, data) == before


def test_fingerprint_sees_another_span(tmp_path: Path) -> None:
    fill(tmp_path / "span-9", "mias")
    before = {spans: fingerprint(tmp_path, settings("mias", spans=spans)) for spans in (0, 1)}
    fill(tmp_path / "span-10", "mias")
    now = {spans: fingerprint(tmp_path, settings("mias", spans=spans)) for spans in (0, 1)}
    assert not set(before.values()) & set(now.values())
    (tmp_path / "span_11").mkdir()
    assert fingerprint(tmp_path, settings("mias", spans=1)) not in now.values()


def test_fingerprint_sees_an_image_that_comes_late_to_an_old_span(tmp_path: Path) -> None:
    """It may be one of the test split."""
    data = settings("folders", spans=1)
    for span in ("span-2026-11-20", "span-2026-11-21"):
        fill(tmp_path / span, "folders")
    before = fingerprint(tmp_path, data)
    write(tmp_path / "span-2026-11-20/images/new.png", b"")
    assert fingerprint(tmp_path, data) != before


def test_patterns_of_spans(tmp_path: Path) -> None:
    alone, spans = (input_patterns(settings("presplit", spans=number)) for number in (None, 0))
    assert spans == {key: f"span-*/{glob}" for key, glob in alone.items()}
    assert "span-*/val/masks/*/*" in spans.values()


@pytest.mark.parametrize("name", [b"images/\xff.png", b"masks/p/\xff.png", b"masks/\xff/a.png"])
@pytest.mark.parametrize("spans", [None, 0])
def test_a_name_that_is_not_utf8(tmp_path: Path, name: bytes, spans: int | None) -> None:
    root = fill(tmp_path if spans is None else tmp_path / "span-1", "folders")
    write(Path(os.fsdecode(os.fsencode(root) + b"/" + name)), b"")
    with pytest.raises(UsageError, match=r"a file whose name is not UTF-8: '(\\udcff|a)"):
        list_samples(tmp_path, settings("folders", spans=spans))


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["Info.txt", "a.pgm"], "mias"),
        (["train/images/a.png", "train/masks/a.png"], "presplit"),
        (["val/images/a.png"], "presplit"),
        (["manifest.csv", "images/a.png", "masks/a.png"], "manifest"),
        (["manifest.toml"], "manifest"),
        (["images/a.png", "masks/a.png", "annotations/a.json"], "folders"),
        (["images/a.png", "annotations/a.json"], "bcss"),
        (["images/a.png", "annotations/instances_val.json"], "annotations"),
        (["im_Parabasal/001.bmp"], "sipakmed"),
        (["shapes.csv", "images/a.png"], "via"),
        (["images/a.png"], None),
        (["span-9/images/a.png", "span-10/Info.txt"], "mias"),
        (["span-x/Info.txt"], None),
        (["span-2025-12-31/images/a.png", "span-2026-01-01/Info.txt"], "mias"),
        (["span-2026-02-30/Info.txt"], None),
        ([], None),
    ],
)
def test_detect_layout(tmp_path: Path, names: list[str], layout: str | None) -> None:
    for name in names:
        write(tmp_path / name, b"")
    assert detect_layout(tmp_path) == layout


@pytest.mark.parametrize(
    ("layout", "marks"), [(name, marks) for name, layout in LAYOUTS.items() for marks in layout.marks]
)
def test_a_layout_is_told_by_each_of_its_marks(tmp_path: Path, layout: str, marks: tuple[str, ...]) -> None:
    for mark in marks:
        write(tmp_path / mark.replace("*", "any"), b"")
    assert detect_layout(tmp_path) == layout


@pytest.mark.parametrize("layout", [name for name, layout in LAYOUTS.items() if layout.marks])
def test_a_folder_that_a_layout_reads_is_told_to_be_of_it(tmp_path: Path, layout: str) -> None:
    assert detect_layout(fill(tmp_path, layout)) == layout


def test_a_sample_with_the_id_of_a_copy_of_another_is_a_reject(tmp_path: Path) -> None:
    """Two records of one id would be one to everything that goes by it."""
    for name in ("case", "case+1", "stain+2"):
        for folder in ("images", "masks"):
            write(tmp_path / folder / f"{name}.png", b"")
    listing = list_samples(tmp_path, settings("folders"))
    assert [sample.id for sample in listing.samples] == ["case", "stain+2"]
    (reject,) = listing.rejects
    assert (reject.source, reject.kind) == ("images/case+1.png", "name")
    assert reject.reason == "augmented copies of 'case' have such names, which end in + and a number: rename it"
    assert listing.sources == 3
