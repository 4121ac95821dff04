"""Layout `mias`: films beside a truth table of enclosing discs, as the MIAS database is laid out.

A row is `film tissue class [severity [x y radius]]`; the origin of x and y is the bottom-left corner. Normal
films end after the class. Where calcifications are spread over a film the numbers are missing or a note stands
in their place. Tables in circulation have headers, blank lines, trailing spaces and CR LF line ends.

There are two editions, whose coordinates are not the same: mini films `mdb001` of 1024 x 1024 pixels, and the
originals of version 1.21, `mdb001ll`, named with side and size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from components.brief import brief
from components.errors import UsageError
from components.example_gen.drawing import class_of, gravest, left_out, listing_of
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import Drawing, Listing, NotLaidOut, Reject, Sample, image_files, unread_files
from components.example_gen.tables import read_text
from components.imaging.truth.shapes import Ellipse, Shape, UnclearShape

CLASSES = ("CALC", "CIRC", "SPIC", "MISC", "ARCH", "ASYM", "NORM")
EDITIONS = {"mini": re.compile(r"mdb(\d{3})"), "full": re.compile(r"mdb(\d{3})[lr][a-z]")}
_SHOWN = 80
"""Characters of a row that cannot be read."""
_MINI_SIZE = (1024, 1024)
_SEVERITIES = {None: "normal", "B": "benign", "M": "malignant"}

_FILM = re.compile(r"mdb\d{3}(?:[lr][a-z])?", re.IGNORECASE)
_ROW = re.compile(rf"(mdb\d{{3}}\S*)\s+[FGD]\s+({'|'.join(CLASSES)})(?:\s+([BM])(?:\s+(.+))?)?", re.IGNORECASE)


class UnclearRow(ValueError):
    """A row of the truth table that starts like one but cannot be read."""

    def __init__(self, film: str, line: str) -> None:
        super().__init__(f"{brief(line, _SHOWN)!r} is not `film tissue class severity x y radius`")
        self.film = film


@dataclass(frozen=True)
class TruthRow:
    """A row of the truth table. `lesion` is None for normal films and where the table gives no coordinates."""

    film: str
    abnormality: str
    severity: str
    """`normal`, `benign` or `malignant`."""
    lesion: Ellipse | None


@dataclass(frozen=True)
class TruthTable:
    """The rows of each film, each once, and for each film with a row that cannot be read, which and why."""

    name: str
    rows: dict[str, dict[TruthRow, None]]
    unclear: dict[str, str]


def parse_row(line: str) -> TruthRow | None:
    """The row in a line of the table, or None for headers and blank lines.

    Raises:
        UnclearRow: the line names a film but does not follow the form of a row.
    """
    line = line.strip()
    film_name = _FILM.match(line)
    if not film_name:
        return None
    match = _ROW.fullmatch(line)
    if not match or (match[2].upper() == "NORM") != (match[3] is None):
        raise UnclearRow(film_name[0].lower(), line)
    film, abnormality, severity, rest = match.groups()
    return TruthRow(film.lower(), abnormality.upper(), _SEVERITIES[severity and severity.upper()], _lesion(rest))


def patterns(data: Reading) -> dict[str, str]:
    """Globs, relative to the input folder, of every file that is read."""
    return {"films": "*", "table": _table_name(data)}


def list_mias(root: Path, data: Reading) -> Listing:
    """Films of `root` with the lesions of the table; films 2k-1 and 2k are one woman and so one group.

    With `labels` only lesions of these severities are drawn, and films that have none of them are left out.

    Raises:
        UsageError: the truth table is missing.
    """
    path = root / _table_name(data)
    if not path.is_file():
        raise NotLaidOut(f"{root}: has no truth table {_table_name(data)!r}. Set [data] table, or another layout.")
    labels = [label.lower() for label in data.labels]
    if unknown := set(labels) - set(_SEVERITIES.values()):
        raise UsageError(f"[data] labels: {', '.join(sorted(unknown))}; layout mias has normal, benign and malignant.")
    table = _read_table(path)
    films: dict[str, list[Path]] = {}
    for film in image_files(root):
        films.setdefault(film.stem.lower(), []).append(film)
    unread = [reject for reject in unread_files(root, root) if _FILM.match(reject.source)]
    names = sorted(films.keys() | table.rows.keys() | table.unclear.keys())
    found = [_film(root, name, films.get(name, []), table, data) for name in names]
    return listing_of([*unread, *found])


def _table_name(data: Reading) -> str:
    return data.table or "Info.txt"


def _read_table(path: Path) -> TruthTable:
    table = TruthTable(path.name, {}, {})
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            row = parse_row(line)
        except UnclearRow as error:
            table.unclear.setdefault(error.film, f"{path.name} line {number}: {error}")
            continue
        if row:
            table.rows.setdefault(row.film, {})[row] = None
    return table


def _film(root: Path, name: str, paths: list[Path], table: TruthTable, data: Reading) -> Sample | Reject:
    source = paths[0].relative_to(root).as_posix() if paths else name
    number = EDITIONS[data.edition].fullmatch(name)
    if not number:
        return Reject(source, "name", _misnamed(name, data.edition))
    if name in table.unclear:
        # Its other rows may be fine, but the mask must hold all lesions.
        return Reject(source, "truth", table.unclear[name])
    if not paths:
        return Reject(source, "pairing", f"in {table.name}, but there is no such film")
    if len(paths) > 1:
        return Reject(source, "pairing", f"several films of one name: {', '.join(path.name for path in paths)}")
    if name not in table.rows:
        return Reject(source, "pairing", f"no row in {table.name}: whether it is normal is not known")
    pair = f"pair{(int(number[1]) + 1) // 2:03d}"
    try:
        return _sample(name, pair, source, [*table.rows[name]], data)
    except UnclearShape as error:
        return Reject(source, "truth", f"{table.name}: {error}")


def _misnamed(name: str, edition: str) -> str:
    (other,) = EDITIONS.keys() - {edition}
    if EDITIONS[other].fullmatch(name):
        return f"a name of the {other} edition, whose coordinates are not the same; [data] edition is {edition!r}"
    form = "mdb and three digits" + (", then side and size" if edition == "full" else "")
    return f"not named like a film of the {edition} edition: {form}"


def _sample(name: str, group: str, source: str, rows: list[TruthRow], data: Reading) -> Sample | Reject:
    severities = {row.severity for row in rows}
    if "normal" in severities and len(severities) > 1:
        raise UnclearShape("both normal and with a lesion")
    labels = [label.lower() for label in data.labels]
    wanted = [row for row in rows if not labels or row.severity in labels]
    if not wanted:
        return left_out(source, severities, labels)
    if any(row.severity != "normal" and not row.lesion for row in wanted):
        raise UnclearShape("a lesion without coordinates: the mask would be incomplete")
    shapes = tuple(Shape(row.lesion, class_of(row.severity, data.classes)) for row in wanted if row.lesion)
    drawing = Drawing(shapes, bottom_left=True, canvas=_MINI_SIZE if data.edition == "mini" else None)
    return Sample(name, group, source, drawing, gravest(row.severity for row in wanted))


def _lesion(numbers: str | None) -> Ellipse | None:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s+(\d{1,6}(?:\.\d+)?)\s+(\d{1,6}(?:\.\d+)?)", numbers or "")
    x, y, radius = (float(number) for number in match.groups()) if match else (0.0, 0.0, 0.0)
    # A radius of 0 is not a disc: the lesion has no extent to learn, so no truth.
    return Ellipse(x, y, radius, radius) if radius else None


LAYOUT = Layout(
    name="mias",
    keys=frozenset({"table", "edition", "labels"}),
    marks=(("Info.txt",),),
    listing=list_mias,
    patterns=patterns,
    discs=True,
)
