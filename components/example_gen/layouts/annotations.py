"""Layout `annotations`: images, and documents of annotations as tools export them, of every format that is read.

Images stand in the folder `images`, where there is one, else anywhere; documents, one for all images or one each, are
`[data] table`, a file or a folder, else whatever there is that a format tells for its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from components.example_gen.annotated import documents_of
from components.example_gen.annotated_samples import Pairing, reject
from components.example_gen.drawing import listing_of
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.links import files_under
from components.example_gen.samples import Listing, is_of_kind, no_files, unknown_kind
from components.imaging.annotations.content import SUFFIXES as DOCUMENTS
from components.imaging.annotations.registry import FORMATS
from components.imaging.files.codecs import SUFFIXES


def patterns(data: Reading) -> dict[str, str]:
    """Globs, relative to the input folder; `_read_files` finds what stands deeper."""
    return {"images": f"{data.images}/*", "files": "*", **({"table": data.table} if data.table else {})}


def list_annotations(root: Path, data: Reading) -> Listing:
    """The images that documents name, with what is drawn on them: of what overlaps the later lies on top.

    An image that no document names is a reject, and so is a name without image. With `labels` only shapes of these
    labels are drawn, and images that have none but others are left out. Each path is a group.

    Raises:
        UsageError: a document of another format than `[data] format`, or several formats and none is set.
        NotLaidOut: there is no document.
    """
    there = sorted(files_under(root))
    files = [path for path in there if path.is_file()]
    documents = documents_of(root, [path for path in there if path.exists()], data)
    folder = root / data.images if (root / data.images).is_dir() else root
    images = [path for path in files if path.is_relative_to(folder) and is_of_kind(path, SUFFIXES)]
    faults = [reject(root, document.path, "truth", document.fault) for document in documents if document.fault]
    read = {*images, *(document.path for document in documents)}
    unread = [
        reject(root, path, "unknown kind of file", unknown_kind(SUFFIXES))
        for path in files
        if folder != root and path.is_relative_to(folder) and path not in read
    ]
    lost = no_files(root, [path for path in there if path not in read], DOCUMENTS | SUFFIXES)
    return listing_of([*faults, *unread, *lost, *Pairing(root, folder, images, data).found(documents)])


def _read_files(root: Path, _listing: Callable[[], Listing]) -> set[Path]:
    return {path for path in files_under(root) if path.suffix.lower() in DOCUMENTS or is_of_kind(path, SUFFIXES)}


LAYOUT = Layout(
    name="annotations",
    keys=frozenset({"images", "table", "labels", "format", "told_splits"}),
    marks=(
        ("*.geojson",),
        ("annotations/*.geojson",),
        ("annotations/instances_*.json",),
        ("*_annotations.coco.json",),
        ("annotations.xml",),
        ("AllXML/*.xml",),
        ("via_*.json",),
        ("*_case_description_*.csv",),
    ),
    listing=list_annotations,
    patterns=patterns,
    also_read=_read_files,
    modules=tuple(each.read.__module__ for each in FORMATS.values()),
)
