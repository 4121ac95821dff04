"""Layout `via`: a folder of images, and a table of their shapes as the VGG Image Annotator exports it."""

from __future__ import annotations

from pathlib import Path

from components.example_gen.drawing import gravest, left_out, listing_of
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.layouts.via_rows import Row, Table, read_table
from components.example_gen.samples import (
    Drawing,
    Listing,
    NotLaidOut,
    Reject,
    Sample,
    by_stem,
    image_files,
    unread_files,
    without_suffix,
)
from components.imaging.annotations.via_shapes import LABEL_KEYS
from components.imaging.truth.shapes import UnclearShape


def patterns(data: Reading) -> dict[str, str]:
    """Globs, relative to the input folder, of every file that is read."""
    return {"images": f"{data.images}/*", "table": _table_name(data)}


def list_via(root: Path, data: Reading) -> Listing:
    """The images with their shapes. Each name is a group.

    With `labels` only shapes of these labels are drawn, and images that have none of them are left out; images without
    shapes have the label `normal`, unless their file has another.

    Raises:
        UsageError: the folder or the table is missing, or the table has not the columns of one.
    """
    if not (root / data.images).is_dir():
        raise NotLaidOut(f"{root}: has no folder {data.images!r}. Set [data] images, or another layout.")
    if not (root / _table_name(data)).is_file():
        raise NotLaidOut(f"{root}: has no table {_table_name(data)!r} of shapes. Set [data] table, or another layout.")
    table = read_table(root / _table_name(data))
    images = {path.name: path for path in image_files(root / data.images)}
    stems = by_stem(images.values())
    names = sorted(images.keys() | table.rows.keys() | table.unclear.keys())
    found = [_image(root, name, stems.get(without_suffix(Path(name)).name, []), table, data) for name in names]
    return listing_of([*unread_files(root, root / data.images), *found])


def _table_name(data: Reading) -> str:
    return data.table or "shapes.csv"


def _image(root: Path, name: str, twins: list[Path], table: Table, data: Reading) -> Sample | Reject:
    """`twins` are the images of this name, whatever their suffix."""
    path = next((twin for twin in twins if twin.name == name), None)
    if not path:
        return Reject(name, "pairing", table.unclear.get(name) or f"in {table.name}, but there is no such image")
    source = path.relative_to(root).as_posix()
    if len(twins) > 1:
        return Reject(source, "pairing", f"several files of one name: {', '.join(twin.name for twin in twins)}")
    if name in table.unclear:
        return Reject(source, "truth", table.unclear[name])
    if name not in table.rows:
        return Reject(source, "pairing", f"no row in {table.name}: whether it shows a lesion is not known")
    try:
        return _sample(without_suffix(path).name, source, [*table.rows[name]], data)
    except UnclearShape as error:
        return Reject(source, "truth", f"{table.name}: {error}")


def _sample(name: str, source: str, rows: list[Row], data: Reading) -> Sample | Reject:
    shapes = sum(row.has_shape for row in rows)
    if {row.region_count for row in rows} != {shapes}:
        counts = " and ".join(str(count) for count in sorted({row.region_count for row in rows}))
        raise UnclearShape(f"{shapes} shapes of the {counts} that region_count tells")
    labels = [label.strip().lower() for label in data.labels]
    present = {row.label for row in rows}
    if labels and "" in present:
        raise UnclearShape(f"a shape without a label: expected an attribute named {', '.join(LABEL_KEYS)}")
    wanted = [row for row in rows if not labels or row.label in labels]
    if not wanted:
        return left_out(source, present, labels)
    label = gravest(row.label for row in wanted)
    if not shapes and label in ("benign", "malignant"):
        raise UnclearShape(f"a {label} image without a shape")
    drawing = Drawing(tuple(row.shape(data.classes) for row in wanted if row.has_shape))
    return Sample(id=name, group=name, image=source, truth=drawing, label=label)


LAYOUT = Layout(
    name="via",
    keys=frozenset({"images", "table", "labels"}),
    marks=(("shapes.csv",),),
    listing=list_via,
    patterns=patterns,
)
