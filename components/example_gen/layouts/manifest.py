"""Layout `manifest`: a table that names images and masks by paths from the input folder, also such as `../films/a.png`.

CSV (UTF-8, or UTF-16 with its mark; with a header; separated by `,`, `;` or tab, whichever the header has most) or
TOML (`[[sample]]`).
Columns: `image`; `mask`, several separated by `;`, explicitly empty for an image without foreground; and where wanted
`region` (an image that is black where nothing is judged), `group`, `label`, `split` (train, valid or test), `site`,
`id`. Files that no row names are not read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path, PurePosixPath

from components.brief import brief, some
from components.errors import UsageError
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import (
    SPLIT_NAMES,
    Drawing,
    Listing,
    MaskFiles,
    NotLaidOut,
    Reject,
    Sample,
    is_of_kind,
    mask_suffixes,
    unknown_kind,
    without_suffix,
)
from components.example_gen.tables import decoded
from components.foreign import foreign
from components.imaging.files.codecs import SUFFIXES
from components.reading import read_bytes
from components.texts import MOST_TEXT, parsed_toml, rows_of

_MOST_TOML = 2**24
"""Bytes, which take half a minute to read."""
COLUMNS = ("image", "mask", "region", "group", "label", "split", "site", "id")


@dataclass(frozen=True)
class _Row:
    place: str
    cells: Mapping[str, str]
    fault: str = ""

    @property
    def image(self) -> str:
        return _normal(self.cells.get("image", ""))

    @property
    def region(self) -> str:
        return _normal(self.cells.get("region", ""))

    @property
    def masks(self) -> list[str]:
        cell = self.cells.get("mask", "")
        return sorted({_normal(path) for path in cell.split(";")}) if cell else []


def patterns(data: Reading) -> dict[str, str]:
    """Globs of the table alone: the files that it names may stand anywhere, see `list_manifest`."""
    return {"table": data.table} if data.table else {"csv": "manifest.csv", "toml": "manifest.toml"}


def list_manifest(root: Path, data: Reading) -> Listing:
    """The samples of the table; an image that several rows name is a reject: which row is right is not known.

    Raises:
        UsageError: the table is missing, is not UTF-8, CSV or TOML, or has unknown columns.
    """
    rows: dict[str, list[_Row]] = defaultdict(list)
    for row in _read(root, data):
        rows[row.image or row.place].append(row)
    found = [_sample(root, source, same, mask_suffixes(data.mask)) for source, same in rows.items()]
    samples = [sample for sample in found if isinstance(sample, Sample)]
    ids = Counter(sample.id for sample in samples)
    return Listing(
        samples=tuple(sample for sample in samples if ids[sample.id] == 1),
        rejects=(
            *(reject for reject in found if isinstance(reject, Reject)),
            *(
                Reject(sample.image, "manifest", f"its id {sample.id!r} is that of another image: give unique ids")
                for sample in samples
                if ids[sample.id] > 1
            ),
        ),
    )


def _read(root: Path, data: Reading) -> list[_Row]:
    table = next((root / name for name in patterns(data).values() if (root / name).is_file()), None)
    if table is None:
        names = " or ".join(repr(name) for name in patterns(data).values())
        raise NotLaidOut(f"{root}: has no table {names}. Set [data] table, or another layout.")
    try:
        most, remedy = (_MOST_TOML, "write it as .csv") if table.suffix.lower() == ".toml" else (MOST_TEXT, "divide it")
        with foreign(UsageError, f"{table}: cannot be read", UnicodeDecodeError):
            text = decoded(read_bytes(table, most, remedy))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{table}: not {error.encoding.upper()} from byte {error.start} on. Save it as UTF-8."
        ) from error
    if "\0" in text:
        raise UsageError(f"{table}: holds NUL bytes, so it is no text in UTF-8. Save it as UTF-8.")
    with foreign(UsageError, f"{table}: cannot be read"):
        return list(_toml_rows(table, text) if table.suffix.lower() == ".toml" else _csv_rows(table, text))


def _csv_rows(table: Path, text: str) -> Iterator[_Row]:
    reader = rows_of(text, strict=True)
    columns = list(reader.fieldnames or ())
    _refuse_columns(table, columns, needed=("image", "mask"))
    for row in reader:
        place = f"{table.name} line {reader.line_num}"
        extra = row.pop(None, [])
        cells = {key: value.strip() for key, value in row.items() if value is not None}
        if any(cells.values()) or any(map(str.strip, extra)):
            count = len(cells) + len(extra)
            separator = reader.reader.dialect.delimiter
            fault = f"it has {count} cells, the header {len(columns)}: quote cells that hold a {separator!r}"
            yield _Row(place, cells, fault if count != len(columns) else "")


def _toml_rows(table: Path, text: str) -> Iterator[_Row]:
    document = parsed_toml(text)
    samples = document.get("sample")
    if set(document) != {"sample"} or not isinstance(samples, list) or not all(isinstance(s, dict) for s in samples):
        raise UsageError(f"{table}: expected [[sample]] tables and nothing else, found {some(document) or 'none'}.")
    for number, sample in enumerate(samples, start=1):
        _refuse_columns(table, list(sample))
        place = f"{table.name} sample {number}"
        others = [f"{key} = {value!r} is no string" for key, value in sample.items() if not isinstance(value, str)]
        yield _Row(place, {k: v.strip() for k, v in sample.items() if isinstance(v, str)}, "; ".join(others))


def _refuse_columns(table: Path, columns: Sequence[str], needed: Sequence[str] = ()) -> None:
    for column, count in Counter(columns).items():
        if column not in COLUMNS or count > 1:
            problem = "stands there twice" if column in COLUMNS else "is unknown"
            raise UsageError(f"{table}: column {brief(column)!r} {problem}. Allowed: {', '.join(COLUMNS)}")
    for column in needed:
        if column not in columns:
            raise UsageError(f"{table}: has no column {column!r}, found {some(columns) or 'an empty line'}.")


def _sample(root: Path, source: str, rows: Sequence[_Row], masks: Set[str]) -> Sample | Reject:
    row = rows[0]
    if len(rows) > 1:
        places = some(row.place for row in rows)
        return Reject(source, "manifest", f"several rows name this image: {places}. Keep one")
    fault = row.fault or next(_faults(root, row, masks), "")
    if fault:
        return Reject(source, "manifest", f"{row.place}: {fault}")
    name = without_suffix(PurePosixPath(*_inner(row.image))).as_posix()
    return Sample(
        id=row.cells.get("id") or name,
        group=row.cells.get("group") or name,
        image=row.image,
        truth=MaskFiles(tuple(row.masks)) if row.masks else Drawing(),
        label=row.cells.get("label", ""),
        site=row.cells.get("site", ""),
        region=row.region,
        split=SPLIT_NAMES.get(row.cells.get("split", "").lower(), ""),
    )


def _faults(root: Path, row: _Row, masks: Set[str]) -> Iterator[str]:
    split = row.cells.get("split", "")
    if not row.image:
        yield "it names no image"
    if "mask" not in row.cells:
        yield 'it has no mask; mask = "" says that there is no foreground'
    if split and split.lower() not in SPLIT_NAMES:
        yield f"split is {split!r}, expected one of {', '.join(SPLIT_NAMES)}, or nothing"
    yield from _path_faults(root, row.image, SUFFIXES)
    for path in row.masks:
        yield from _path_faults(root, path, masks)
    if row.region:
        yield from _path_faults(root, row.region, SUFFIXES)


def _path_faults(root: Path, path: str, suffixes: Set[str]) -> Iterator[str]:
    pure = PurePosixPath(path)
    if not path:
        yield "a mask without a name: too many ';'"
    if pure.is_absolute() or ".." in _inner(path) or "\\" in path:
        yield f"{path!r} is no path from the input folder, with / between its parts, and .. before all others alone"
    if not is_of_kind(root / path, suffixes):
        yield f"{path!r} is {unknown_kind(suffixes)}"
    if not _is_file(root / path):
        yield f"there is no file {path!r}, or it may not be read"


def _inner(path: str) -> tuple[str, ...]:
    """The parts of a path after those that lead out of the folder."""
    return tuple(dropwhile(lambda part: part == "..", PurePosixPath(path).parts))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name that is too long, or a folder that may not be read.
        return False


def _normal(path: str) -> str:
    return PurePosixPath(path.strip()).as_posix() if path.strip() else ""


def _named_files(root: Path, listing: Callable[[], Listing]) -> set[Path]:
    samples = listing().samples
    masks = (sample.truth.paths for sample in samples if isinstance(sample.truth, MaskFiles))
    images = (path for sample in samples for path in (sample.image, sample.region) if path)
    names = {*images, *(path for paths in masks for path in paths)}
    return {root / name for name in names}


LAYOUT = Layout(
    name="manifest",
    keys=frozenset({"table", "mask"}),
    marks=(("manifest.csv",), ("manifest.toml",)),
    listing=list_manifest,
    patterns=patterns,
    also_read=_named_files,
    ignores=True,
)
