"""Layout `sipakmed`: folders `im_<Category>` of fields `NAME.bmp`, each with its cells in `NAME_cyt*.dat`.

A `.dat` file is the outline of one cell's cytoplasm, `x,y` per line in pixels of the field. The folders may stand in a
folder of the same name each, as the published archives have them. Outlines of nuclei and the folders `CROPPED` of
single cells are not read: they show the same cells again.
"""

from __future__ import annotations

import re
from pathlib import Path

from components.errors import UsageError
from components.example_gen.drawing import LEFT_OUT, listing_of
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import Drawing, Listing, Reject, Sample, no_files
from components.example_gen.tables import other_files, read_text
from components.foreign import cause
from components.imaging.truth.shapes import Polygon, Shape, UnclearShape

_PREFIX = "im_"
_SUFFIXES = frozenset({".bmp", ".dat"})
_CELL = re.compile(r"(.+)_(cyt|nuc)\d*", re.IGNORECASE)
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
# What it has taken of blanks it never gives back: of a line it would try every way to share them out.
_POINT = re.compile(rf"\s*+({_NUMBER})(?:\s*+[,;]\s*+|\s++)({_NUMBER})\s*+(?:[,;]\s*+)?")


def patterns(data: Reading) -> dict[str, str]:
    """Globs, relative to the input folder, of every file that is read."""
    return {"fields": f"{_PREFIX}*/*", "nested": f"{_PREFIX}*/{_PREFIX}*/*"}


def list_sipakmed(root: Path, data: Reading) -> Listing:
    """The fields of all categories; `[data] classes` are categories, and fields of others are left out.

    Without classes all cells are one class. A field is a group: which fields are of one woman is not known.

    Raises:
        UsageError: there is no folder of a category, or none of the classes is one.
    """
    folders = [path for path in sorted(root.glob(f"{_PREFIX}*")) if path.is_dir()]
    if not folders:
        raise UsageError(f"{root}: has no folder {_PREFIX}<Category>. Give the folder that holds them: --data DIR")
    categories = [folder.name.removeprefix(_PREFIX).lower() for folder in folders]
    if data.classes and not {name.lower() for name in data.classes} & set(categories):
        raise UsageError(f"[data] classes names none of the categories of {root}: {', '.join(categories)}.")
    return listing_of(found for folder in folders for found in _category(root, folder, data.classes))


def _category(root: Path, folder: Path, classes: list[str]) -> list[Sample | Reject]:
    nested = sorted((folder / folder.name).iterdir()) if (folder / folder.name).is_dir() else []
    there = [*sorted(folder.iterdir()), *nested]
    files = [path for path in there if path.is_file()]
    fields: dict[str, list[Path]] = {}
    cells: dict[str, list[Path]] = {}
    misnamed = []
    for path in files:
        suffix, cell = path.suffix.lower(), _CELL.fullmatch(path.stem)
        if suffix == ".bmp":
            fields.setdefault(path.stem, []).append(path)
        elif suffix == ".dat" and cell is None:
            misnamed.append(Reject(path.relative_to(root).as_posix(), "name", "expected NAME_cyt*.dat beside NAME.bmp"))
        elif suffix == ".dat" and cell is not None and cell[2].lower() == "cyt":
            cells.setdefault(cell[1], []).append(path)
    category = folder.name.removeprefix(_PREFIX)
    return [
        *other_files(root, files, _SUFFIXES),
        *no_files(root, there, _SUFFIXES),
        *misnamed,
        *(
            _field(root, f"{category}/{name}", fields.get(name, []), cells.get(name, []), classes)
            for name in sorted(fields.keys() | cells.keys())
        ),
    ]


def _field(root: Path, name: str, fields: list[Path], cells: list[Path], classes: list[str]) -> Sample | Reject:
    sources = [path.relative_to(root).as_posix() for path in fields + cells]
    if len(fields) > 1:
        return Reject(sources[0], "pairing", f"several files of one name: {', '.join(sources[: len(fields)])}")
    if not fields:
        return Reject(sources[0], "pairing", "an outline without an image: expected NAME_cyt*.dat beside NAME.bmp")
    if not cells:
        return Reject(sources[0], "pairing", "an image without outlines: expected NAME_cyt*.dat beside NAME.bmp")
    label = name.partition("/")[0].lower()
    names = [category.lower() for category in classes]
    if names and label not in names:
        return Reject(sources[0], LEFT_OUT, f"{label} cells; [data] classes asks for {', '.join(classes)}")
    shapes = []
    for path, source in zip(cells, sources[1:], strict=True):
        try:
            shapes.append(Shape(_outline(path), names.index(label) + 1 if names else 1))
        except (OSError, UnclearShape) as error:
            return Reject(sources[0], "truth", f"{source}: {cause(error)}")
    return Sample(id=name, group=name, image=sources[0], truth=Drawing(tuple(shapes)), label=label)


def _outline(path: Path) -> Polygon:
    points = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        match = _POINT.fullmatch(line)
        if match:
            points.append((float(match[1]), float(match[2])))
        elif line.strip():
            raise UnclearShape(f"line {number}: {line.strip()[:40]!r} is not `x,y`")
    return Polygon(tuple(points))


LAYOUT = Layout(
    name="sipakmed",
    keys=frozenset(),
    marks=(("im_*",),),
    listing=list_sipakmed,
    patterns=patterns,
)
