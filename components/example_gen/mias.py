"""Layout `mias`: films beside a truth table of enclosing discs, as the mini-MIAS database is laid out.

A row is `film tissue class [severity [x y radius]]`; the origin of x and y is the bottom-left corner. Normal
films end after the class. Where calcifications are spread over a film the numbers are missing or a note stands
in their place. Tables in circulation have headers, blank lines, trailing spaces and CR LF line ends.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from components.errors import UsageError
from components.example_gen.samples import Drawing, Listing, Reject, Sample, image_files, unread_files
from components.imaging.shapes import Ellipse, Shape

CLASSES = ("CALC", "CIRC", "SPIC", "MISC", "ARCH", "ASYM", "NORM")

_FILM = re.compile(r"mdb(\d{3})(?:[lr][a-z])?", re.IGNORECASE)
_ROW = re.compile(rf"(mdb\d{{3}}\S*)\s+[FGD]\s+({'|'.join(CLASSES)})(?:\s+([BM])(?:\s+(.+))?)?", re.IGNORECASE)


class UnclearRow(ValueError):
    """A row of the truth table that starts like one but cannot be read."""

    def __init__(self, film: str, line: str) -> None:
        super().__init__(f"{line!r} is not `film tissue class severity x y radius`")
        self.film = film


@dataclass(frozen=True)
class Row:
    """A row of the truth table. `lesion` is None for normal films and where the table gives no coordinates."""

    film: str
    abnormality: str
    severity: str | None
    lesion: Ellipse | None


def parse_row(line: str) -> Row | None:
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
    return Row(film.lower(), abnormality.upper(), severity and severity.upper(), _lesion(rest))


def list_mias(root: Path, truth_table: str) -> Listing:
    """Films of `root` with the lesions of the table; films 2k-1 and 2k are one woman and so one group.

    Raises:
        UsageError: the truth table is missing.
    """
    table = root / truth_table
    if not table.is_file():
        raise UsageError(f"{root}: has no truth table {truth_table!r}. Set [data] truth_table, or another layout.")
    rows, unclear = _read_table(table)
    films: dict[str, list[Path]] = {}
    for path in image_files(root):
        films.setdefault(path.stem.lower(), []).append(path)
    samples: list[Sample] = []
    rejects = [reject for reject in unread_files(root, root) if _FILM.match(reject.source)]
    for name in sorted(films.keys() | rows.keys() | unclear.keys()):
        found = _film(root, name, films.get(name, []), rows.get(name, []), unclear.get(name), truth_table)
        if isinstance(found, Sample):
            samples.append(found)
        else:
            rejects.append(found)
    return Listing(tuple(samples), tuple(rejects))


def _read_table(table: Path) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """The rows of each film, and for each film with a row that cannot be read, which and why."""
    rows: dict[str, list[Row]] = {}
    unclear: dict[str, str] = {}
    for number, line in enumerate(_text(table).splitlines(), start=1):
        try:
            row = parse_row(line)
        except UnclearRow as error:
            unclear.setdefault(error.film, f"{table.name} line {number}: {error}")
            continue
        if row:
            rows.setdefault(row.film, []).append(row)
    return rows, unclear


def _text(table: Path) -> str:
    return table.read_bytes().removeprefix(codecs.BOM_UTF8).decode("latin-1")


def _film(
    root: Path, name: str, paths: list[Path], rows: list[Row], unclear: str | None, truth_table: str
) -> Sample | Reject:
    if not paths:
        return Reject(name, "truth", unclear or f"in {truth_table}, but there is no such film")
    source = paths[0].relative_to(root).as_posix()
    if unclear:
        # Its other rows may be fine, but the mask must hold all lesions.
        return Reject(source, "truth", unclear)
    number = _FILM.match(name)
    if len(paths) > 1:
        return Reject(source, "truth", f"several films of one name: {', '.join(path.name for path in paths)}")
    if not number:
        return Reject(source, "truth", "not named like a film of the database: mdb and three digits")
    if not rows:
        return Reject(source, "truth", f"no row in {truth_table}: whether it is normal is not known")
    if len({row.severity is None for row in rows}) > 1:
        return Reject(source, "truth", f"both normal and with a lesion in {truth_table}")
    if any(row.severity and not row.lesion for row in rows):
        return Reject(source, "truth", f"a lesion without coordinates in {truth_table}: its mask would be incomplete")
    return Sample(
        id=name,
        group=f"pair{(int(number[1]) + 1) // 2:03d}",
        image=source,
        truth=Drawing(tuple(Shape(row.lesion) for row in rows if row.lesion), bottom_left=True),
        label=_label(rows),
    )


def _lesion(numbers: str | None) -> Ellipse | None:
    match = re.fullmatch(r"(\d+)\s+(\d+)\s+(\d+)", numbers or "")
    # A radius of 0 is not a disc: the lesion has no extent to learn, so no truth.
    if not match or int(match[3]) == 0:
        return None
    x, y, radius = (float(number) for number in match.groups())
    return Ellipse(x, y, radius, radius)


def _label(rows: list[Row]) -> str:
    severities = {row.severity for row in rows}
    return "malignant" if "M" in severities else "benign" if "B" in severities else "normal"
