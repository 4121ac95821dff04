"""Layout `annotations`: images, and documents of annotations as tools export them, of every format that is read.

Images stand in the folder `images`, where there is one, else anywhere; documents, one for all images or one each, are
`[data] table`, a file or a folder, else whatever there is that a format tells for its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.errors import UsageError
from components.example_gen.drawing import gravest, left_out, listing_of
from components.example_gen.image_names import Ambiguous, ImageNames
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import (
    Drawing,
    Listing,
    NotLaidOut,
    Reject,
    Sample,
    is_left_behind,
    is_of_kind,
    unknown_kind,
    without_suffix,
)
from components.example_gen.tables import read_text
from components.imaging.annotations.content import SUFFIXES as DOCUMENTS
from components.imaging.annotations.content import content_of
from components.imaging.annotations.document import AnnotatedImage, Format
from components.imaging.annotations.registry import FORMATS
from components.imaging.files.codecs import SUFFIXES
from components.imaging.truth.shapes import Shape, UnclearShape

MOST_SHAPES = 2_000_000
"""Of a document."""
_SEVERITIES = {"malignant", "benign", "normal"}


@dataclass(frozen=True)
class _Document:
    path: Path
    format: Format
    images: Sequence[AnnotatedImage]
    fault: str = ""


def patterns(data: Reading) -> dict[str, str]:
    """Globs, relative to the input folder; `_all_files` finds what stands deeper."""
    return {"images": f"{data.images}/*", "files": "*", **({"table": data.table} if data.table else {})}


def list_annotations(root: Path, data: Reading) -> Listing:
    """The images that documents name, with what is drawn on them: of what overlaps the later lies on top.

    An image that no document names is a reject, and so is a name without image. With `labels` only shapes of these
    labels are drawn, and images that have none but others are left out. Each path is a group.

    Raises:
        UsageError: a document of another format than `[data] format`, or several formats and none is set.
        NotLaidOut: there is no document.
    """
    files = sorted(path for path in _all_files(root) if path.is_file())
    documents = _documents(root, files, data)
    folder = root / data.images if (root / data.images).is_dir() else root
    images = [path for path in files if path.is_relative_to(folder) and is_of_kind(path, SUFFIXES)]
    faults = [_reject(root, document.path, "truth", document.fault) for document in documents if document.fault]
    own = {document.path for document in documents}
    unread = [
        _reject(root, path, "unknown kind of file", unknown_kind(SUFFIXES))
        for path in files
        if folder != root and path.is_relative_to(folder) and path not in own and not is_of_kind(path, SUFFIXES)
    ]
    return listing_of([*faults, *unread, *_images(root, folder, images, documents, data)])


def _all_files(root: Path, _listing: Callable[[], Listing] | None = None) -> set[Path]:
    found = (path for path in root.rglob("*") if not any(map(is_left_behind, path.relative_to(root).parts)))
    return {path for path in found if path.suffix.lower() in DOCUMENTS or is_of_kind(path, SUFFIXES)}


def _reject(root: Path, path: Path, kind: str, reason: str) -> Reject:
    return Reject(path.relative_to(root).as_posix(), kind, reason)


def _documents(root: Path, files: Sequence[Path], data: Reading) -> list[_Document]:
    table = root / data.table
    candidates = [path for path in files if path.suffix.lower() in DOCUMENTS and path.is_relative_to(table)]
    documents = [found for path in candidates if (found := _document(path, data, asked=path == table))]
    names = {document.format.name for document in documents}
    if not names:
        kinds = ", ".join(FORMATS)
        raise NotLaidOut(f"{table}: no document of annotations, expected one of {kinds}. Set [data] table or layout.")
    if len(names) > 1:
        raise UsageError(f"{table}: documents of {' and '.join(sorted(names))}. Set [data] format, or table to some.")
    return documents


def _document(path: Path, data: Reading, *, asked: bool) -> _Document | None:
    """None of what is no document of a format that is wanted; an error where the config names it."""
    wanted = [FORMATS[data.format]] if data.format else list(FORMATS.values())
    try:
        content = content_of(read_text(path))
    except (OSError, UnclearShape) as error:
        if asked or path.suffix.lower() not in (".csv", ".tsv", ".txt"):
            return _Document(path, wanted[0], (), str(error))
        return None
    found = next((each for each in wanted if each.told(content)), None)
    if found is None:
        if asked:
            raise UsageError(f"{path}: no document of {' or '.join(each.name for each in wanted)}. Set [data] format.")
        return None
    try:
        images = found.read(content, without_suffix(Path(path.name)).name)
    except UnclearShape as error:
        return _Document(path, found, (), str(error))
    count = sum(len(image.pieces) for image in images)
    if count > MOST_SHAPES:
        return _Document(path, found, (), f"has {count} shapes, more than the {MOST_SHAPES} that are read: divide it")
    return _Document(path, found, images)


def _images(
    root: Path, folder: Path, paths: Sequence[Path], documents: Sequence[_Document], data: Reading
) -> Iterator[Sample | Reject]:
    """Each image and each name once."""
    names = ImageNames(root, paths)
    told: dict[Path, list[tuple[str, AnnotatedImage]]] = defaultdict(list)
    for document in documents:
        source = document.path.relative_to(root).as_posix()
        for image in document.images:
            try:
                path = _found(names, image)
            except Ambiguous as error:
                yield Reject(image.file, "pairing", f"{source}: {error}")
                continue
            if path is None:
                yield Reject(image.file, "pairing", f"in {source}, but there is no such image")
            else:
                told[path].append((source, image))
    ids: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        ids[without_suffix(path.relative_to(folder)).as_posix()].append(path)
    for name, twins in ids.items():
        for path in twins:
            if len(twins) > 1:
                reason = f"several files of one name: {', '.join(twin.name for twin in twins)}"
                yield _reject(root, path, "pairing", reason)
            else:
                yield _image(name, path.relative_to(root).as_posix(), told[path], data)


def _found(names: ImageNames, image: AnnotatedImage) -> Path | None:
    path = names.find(image.file, goes_on=image.goes_on)
    return names.find(image.otherwise) if path is None and image.otherwise else path


def _image(name: str, source: str, told: Sequence[tuple[str, AnnotatedImage]], data: Reading) -> Sample | Reject:
    if not told:
        return Reject(source, "pairing", "no document names it: whether it shows anything is not known")
    if len(told) > 1:
        where = ", ".join(sorted({document for document, _ in told}))
        return Reject(source, "pairing", f"named {len(told)} times, in {where}: which is right is not known")
    [(document, image)] = told
    try:
        return _sample(name, source, image, data)
    except UnclearShape as error:
        return Reject(source, "truth", f"{document}: {error}")


def _sample(name: str, source: str, image: AnnotatedImage, data: Reading) -> Sample | Reject:
    if image.fault:
        raise UnclearShape(image.fault)
    labels = [label.strip().casefold() for label in data.labels]
    present = {piece.label.casefold() for piece in image.pieces}
    wanted = [piece for piece in image.pieces if not labels or piece.label.casefold() in labels]
    if present and not wanted:
        return left_out(source, present, labels)
    shapes = []
    for piece in wanted:
        try:
            shapes.append(Shape(piece.outline, _class_of(piece.label, data.classes)))
        except UnclearShape as error:
            raise UnclearShape(f"{piece.record}: {error}") from error
    return Sample(
        id=name,
        group=name,
        image=source,
        truth=Drawing(tuple(shapes), canvas=image.size),
        label=_label({piece.label.lower() for piece in wanted} - {""}),
    )


def _class_of(label: str, classes: Sequence[str]) -> int:
    """Where `[data] classes` names some, one of them; a single one needs no name."""
    if not classes or (len(classes) == 1 and not label):
        return 1
    names = [name.casefold() for name in classes]
    if label.casefold() not in names:
        what = f"of class {label!r}, which is" if label else "of no class, which is"
        raise UnclearShape(f"{what} none of [data] classes: {', '.join(classes)}; [data] labels chooses what is drawn")
    return names.index(label.casefold()) + 1


def _label(labels: set[str]) -> str:
    """That of all shapes of an image, or the gravest."""
    return gravest(labels) if len(labels) == 1 or (labels and labels <= _SEVERITIES) else ""


LAYOUT = Layout(
    name="annotations",
    keys=frozenset({"images", "table", "labels", "format"}),
    marks=(
        ("*.geojson",),
        ("annotations/*.geojson",),
        ("annotations/instances_*.json",),
        ("*_annotations.coco.json",),
        ("annotations.xml",),
        ("AllXML/*.xml",),
        ("via_*.json",),
    ),
    listing=list_annotations,
    patterns=patterns,
    also_read=_all_files,
    modules=tuple(each.read.__module__ for each in FORMATS.values()),
)
