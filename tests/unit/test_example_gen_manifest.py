"""Tables that name images and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_images import write

from components.errors import UsageError
from components.example_gen.layouts.manifest import list_manifest, patterns
from components.example_gen.layouts.settings import Reading
from components.example_gen.listing import fingerprint
from components.example_gen.samples import Drawing, Listing, MaskFiles, Reject, Sample
from components.imaging.truth.settings import Mask
from pipeline.config.loader import load_config

FILES = ("a.png", "b.png", "c.png", "x/a.png", "a_1.png", "a_2.png", "n.npz", "x, y.png", "notes.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        write(tmp_path / name, b"")
    return tmp_path


def listing(root: Path, content: str | bytes, name: str = "manifest.csv", **changes: Any) -> Listing:
    write(root / name, content.encode() if isinstance(content, str) else content)
    return list_manifest(root, Reading(**changes))


def reject(root: Path, content: str, name: str = "manifest.csv", **changes: Any) -> Reject:
    found = listing(root, content, name, **changes)
    assert found.samples == ()
    [only] = found.rejects
    return only


def test_every_column(root: Path) -> None:
    table = "image,mask,group,label,split,site,id\nx/a.png,b.png,w1,benign,valid,Lyon,one\nc.png,b.png,,,,,\n"
    assert listing(root, table) == Listing(
        (
            Sample("one", "w1", "x/a.png", MaskFiles(("b.png",)), "benign", "Lyon", "eval"),
            Sample("c", "c", "c.png", MaskFiles(("b.png",))),
        ),
        (),
    )


def test_toml(root: Path) -> None:
    table = (
        '[[sample]]\nimage = "x/a.png"\nmask = "a_2.png;a_1.png"\nsplit = "test"\n[[sample]]\nimage="b.png"\nmask=""\n'
    )
    assert listing(root, table, "manifest.toml").samples == (
        Sample("x/a", "x/a", "x/a.png", MaskFiles(("a_1.png", "a_2.png")), split="test"),
        Sample("b", "b", "b.png", Drawing()),
    )


SAMPLES = (Sample("a", "w, 1", "a.png", MaskFiles(("a_1.png", "a_2.png"))), Sample("b", "ü", "b.png", Drawing()))


@pytest.mark.parametrize(
    "table",
    [
        'image,mask,group\na.png,a_1.png;a_2.png,"w, 1"\nb.png,,ü\n',
        'image,mask,group\r\na.png,a_1.png;a_2.png,"w, 1"\r\nb.png,,ü',
        'image,mask,group\ra.png,a_1.png;a_2.png,"w, 1"\rb.png,,ü',
        '\ufeffimage,mask,group\na.png,a_1.png;a_2.png,"w, 1"\n\nb.png,,ü\n,,\n',
        'image;mask;group\na.png;"a_1.png;a_2.png";w, 1\nb.png;;ü\n',
        "image\tmask\tgroup\na.png\ta_1.png;a_2.png\tw, 1\nb.png\t\tü\n",
        'Image , MASK,group\n ./a.png, a_2.png ; .//a_1.png ,"w, 1 "\nb.png," ",ü\n',
        'group,mask,image\n"w, 1",a_1.png;a_2.png;a_1.png,a.png\nü,,b.png\n',
    ],
    ids=["plain", "CR LF", "CR", "BOM and blank lines", "semicolons", "tabs", "spaces", "another order"],
)
def test_forms_of_one_table(root: Path, table: str) -> None:
    assert listing(root, table) == Listing(SAMPLES, ())


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Train", "train"),
        ("val", "eval"),
        ("validation", "eval"),
        ("eval", "eval"),
        ("test", "test"),
    ],
)
def test_names_of_splits(root: Path, name: str, split: str) -> None:
    assert [sample.split for sample in listing(root, f"image,mask,split\na.png,b.png,{name}").samples] == [split]


def test_files_may_stand_beside_the_folder(root: Path) -> None:
    (root / "in").mkdir()
    found = listing(root / "in", "image,mask\n../a.png,../b.png\n")
    [sample] = found.samples
    assert (sample.id, sample.group, sample.image, sample.truth) == ("a", "a", "../a.png", MaskFiles(("../b.png",)))
    assert fingerprint(root / "in", load_config("folders", ['data.layout="manifest"']).records)


@pytest.mark.parametrize(
    ("row", "source", "reason"),
    [
        ("missing.png,b.png,", "missing.png", "there is no file 'missing.png'"),
        ("a.png,missing.png,", "a.png", "there is no file 'missing.png'"),
        ("a.png,b.png;missing.png,", "a.png", "there is no file 'missing.png'"),
        ("x,b.png,", "x", "'x' is a file of a kind that is not read; expected .bmp, "),
        ("notes.txt,b.png,", "notes.txt", "'notes.txt' is a file of a kind that is not read; expected .bmp, "),
        ("a.png,n.npz,", "a.png", "'n.npz' is a file of a kind that is not read; expected .bmp, "),
        ("../a.png,b.png,", "../a.png", "there is no file '../a.png'"),
        ("x/../a.png,b.png,", "x/../a.png", "'x/../a.png' is no path from the input folder"),
        ("/etc/a.png,b.png,", "/etc/a.png", "'/etc/a.png' is no path from the input folder"),
        ("a.png,/etc/a.png,", "a.png", "'/etc/a.png' is no path from the input folder"),
        (r"x\a.png,b.png,", r"x\a.png", r"'x\\a.png' is no path from the input folder, with / between"),
        ("a.png,b.png;,", "a.png", "a mask without a name: too many ';'"),
        ("a.png,;,", "a.png", "a mask without a name: too many ';'"),
        (",b.png,", "manifest.csv line 2", "it names no image"),
        ("a.png,b.png,tset", "a.png", "split is 'tset', expected one of train, valid, val, "),
        ("a.png,b.png", "a.png", "it has 2 cells, the header 3: quote cells that hold a ','"),
        (",,,a.png", "manifest.csv line 2", "it has 4 cells, the header 3"),
        ("x, y.png,b.png,", "x", "it has 4 cells, the header 3: quote cells that hold a ','"),
        (f"{'a' * 5000}.png,b.png,", f"{'a' * 5000}.png", "there is no file 'aaaa"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(root: Path, row: str, source: str, reason: str) -> None:
    found = reject(root, f"image,mask,split\n{row}\n")
    assert (found.source, found.kind) == (source, "manifest")
    assert found.reason.startswith(f"manifest.csv line 2: {reason}")


@pytest.mark.parametrize(
    ("sample", "source", "reason"),
    [
        ('image = "a.png"', "a.png", 'it has no mask; mask = "" says that there is no foreground'),
        ('mask = "a.png"', "manifest.toml sample 1", "it names no image"),
        ('image = "a.png"\nmask = ["b.png"]', "a.png", "mask = ['b.png'] is no string"),
        ('image = "a.png"\nmask = ""\ngroup = 7', "a.png", "group = 7 is no string"),
        ('image = "a\\u0000.png"\nmask = ""', "a\0.png", "there is no file 'a\\x00.png', or it may not be read"),
    ],
)
def test_a_toml_sample_that_cannot_be_used_is_named(root: Path, sample: str, source: str, reason: str) -> None:
    found = reject(root, f"[[sample]]\n{sample}\n", "manifest.toml")
    assert found == Reject(source, "manifest", f"manifest.toml sample 1: {reason}")


def test_an_image_in_two_rows_is_one_reject(root: Path) -> None:
    """Which of the two masks is right is not known."""
    found = listing(root, "image,mask\na.png,b.png\nc.png,\n./a.png,\n")
    assert [sample.image for sample in found.samples] == ["c.png"]
    reason = "several rows name this image: manifest.csv line 2, manifest.csv line 4. Keep one"
    assert found.rejects == (Reject("a.png", "manifest", reason),)


def test_an_id_of_two_images_rejects_both(root: Path) -> None:
    found = listing(root, "image,mask,id\na.png,,one\nb.png,,one\nc.png,,\n")
    assert [sample.image for sample in found.samples] == ["c.png"]
    reason = "its id 'one' is that of another image: give unique ids"
    assert found.rejects == (Reject("a.png", "manifest", reason), Reject("b.png", "manifest", reason))


def test_masks_as_arrays(root: Path) -> None:
    [sample] = listing(root, "image,mask\na.png,n.npz\n", mask=Mask(form="one_hot")).samples
    assert sample.truth == MaskFiles(("n.npz",))
    assert "expected .npz" in reject(root, "image,mask\na.png,b.png\n", mask=Mask(form="one_hot")).reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "image,mask,patient\n",
            "column 'patient' is unknown. Allowed: image, mask, region, group, label, split, site, ",
        ),
        ("image,mask,\n", "column '' is unknown"),
        ("image,mask,mask\n", "column 'mask' stands there twice"),
        ("mask,group\n", "has no column 'image', found mask, group"),
        ("image\n", "has no column 'mask', found image"),
        ("", "has no column 'image', found an empty line"),
        ('image,mask\n"a.png,b.png\n', "cannot be read: unexpected end of data"),
        ('image,mask\n"a"b,c\n', "cannot be read: ',' expected after '\"'"),
        (f"image,mask\n{'a' * 200_000},b\n", "cannot be read: field larger than field limit"),
        (b"image,mask\n\xfc.png,b.png\n", "not UTF-8 from byte 11 on. Save it as UTF-8"),
        ("image,mask\n".encode("utf-16")[:-1], "not UTF-16-LE from byte 22 on. Save it as UTF-8"),
        ("image,mask\n".encode("utf-16-le"), "holds NUL bytes, so it is no text in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read(root: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        listing(root, content)
    assert str(caught.value).startswith(f"{root}/manifest.csv: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[sample]\n", "cannot be read: Expected "),
        ("", "expected [[sample]] tables and nothing else, found none"),
        ("sample = 3\n", "expected [[sample]] tables and nothing else, found sample"),
        ("sample = [3]\n", "expected [[sample]] tables and nothing else, found sample"),
        ("[[samples]]\n", "expected [[sample]] tables and nothing else, found samples"),
        ("[[sample]]\nimages = ''\n", "column 'images' is unknown. Allowed: image, mask"),
        (f"a = {'[' * 20_000}", "cannot be read: nested too deeply"),
    ],
)
def test_a_toml_table_that_cannot_be_read(root: Path, content: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        listing(root, content, "manifest.toml")
    assert str(caught.value).startswith(f"{root}/manifest.toml: {message}")


def test_the_table_that_is_read(root: Path) -> None:
    with pytest.raises(UsageError, match=r"has no table 'manifest\.csv' or 'manifest\.toml'. Set \[data\] table"):
        list_manifest(root, Reading())
    assert listing(root, '[[sample]]\nimage = "a.png"\nmask = ""', "manifest.toml").samples[0].id == "a"
    assert listing(root, "image,mask\nb.png,", "manifest.csv").samples[0].id == "b"
    assert listing(root, "image\tmask\nc.png\t", "x/list.tsv", table="x/list.tsv").samples[0].id == "c"
    with pytest.raises(UsageError, match=r"has no table 'other\.csv'\. Set"):
        list_manifest(root, Reading(table="other.csv"))
    assert list(patterns(Reading(table="x/list.tsv")).values()) == ["x/list.tsv"]


CELL = st.sampled_from(
    ["", "a.png", "b.png", "./a.png", "a.png;b.png", ";", "../a.png", "x", "train", 'q"q', "a,b", "\n"]
)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=5))
def test_every_row_is_in_one_sample_or_one_reject(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    root = tmp_path_factory.mktemp("rows")
    for name in ("a.png", "b.png"):
        (root / name).touch()
    lines = [",".join('"{}"'.format(cell.replace('"', '""')) for cell in row) for row in rows]
    found = listing(root, "\n".join(["image,mask,split", *lines]))
    named = [row for row in rows if any(cell.strip() for cell in row)]
    images = [row[0].strip().removeprefix("./") for row in named]
    sources = [*(sample.image for sample in found.samples), *(reject.source for reject in found.rejects)]
    assert len(sources) == len(set(sources))
    assert sorted(image for image in set(images) if image) == sorted(s for s in sources if "manifest.csv" not in s)
    assert images.count("") == sum("manifest.csv" in source for source in sources)
