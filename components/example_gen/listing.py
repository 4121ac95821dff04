"""Lists the samples of an input folder by the layout of its config."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from components.errors import UsageError
from components.example_gen import spans
from components.example_gen.groups import group_samples, members_of
from components.example_gen.layouts.registry import LAYOUTS
from components.example_gen.names import original_of
from components.example_gen.samples import Listing, Reject, is_left_behind, suffix_of
from components.example_gen.settings import DataSettings
from components.imaging.files.codecs import SUFFIXES
from components.records.splits import assign_splits


def detect_layout(root: Path) -> str | None:
    """The layout that a folder seems to have, of spans that of the last one; None where nothing tells it."""
    for name, layout in LAYOUTS.items():
        if any(all(any(root.glob(mark)) for mark in marks) for marks in layout.marks):
            return name
    found = spans.find_spans(root)
    return detect_layout(found[-1].folder) if found else None


@contextmanager
def _refuse_unreadable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}") from error


def input_patterns(data: DataSettings) -> dict[str, str]:
    """Globs, relative to the input folder, of what is read; `fingerprint` sees more."""
    patterns = LAYOUTS[data.layout].patterns(data)
    return dict(patterns) if data.spans is None else {key: f"span-*/{glob}" for key, glob in patterns.items()}


@_refuse_unreadable()
def fingerprint(root: Path, data: DataSettings) -> str:
    """First 16 hex digits of a SHA-256 over name, size and time of change of every file that `list_samples` reads.

    The stock driver's own fingerprint knows neither names nor fractions of a second: it misses two swapped masks.

    Raises:
        UsageError: there are no spans, no manifest, or they cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(_read_files(root, data)):
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0{_state(path)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


@_refuse_unreadable()
def list_samples(root: Path, data: DataSettings, held_out: Collection[str] | None = None) -> Listing:
    """The samples, each with its split, and the rejects of an input folder, by the `[data]` section of the config.

    Of spans that are older than the window there are the test samples alone; the others are left out.

    Args:
        root: the input folder.
        data: the section.
        held_out: the groups that are drawn into the test split, as `components.example_gen.memory.held_out` returns
            them; None: the draw decides.

    Raises:
        UsageError: the folder, or what its layout needs, is missing or cannot be read; it holds no image at all; or
            `[data.splits]` asks for what is not there.
    """
    listing, ages = list_grouped(root, data)
    window = data.spans or 0
    splits = assign_splits(members_of(listing.samples, ages), data.splits, held_out, window, data.folds)
    samples = (replace(sample, split=split) for sample, split in zip(listing.samples, splits, strict=True))
    listing = spans.within_window(replace(listing, samples=tuple(samples)), ages or {}, window)
    unused = (*listing.rejects, *listing.left_out)
    if not listing.samples and not any(suffix_of(Path(reject.source)) in SUFFIXES for reject in unused):
        kinds = ", ".join(sorted(SUFFIXES))
        raise UsageError(f"{root}: holds no image. Expected files {kinds} in layout {data.layout!r}.")
    return listing


@_refuse_unreadable()
def list_grouped(root: Path, data: DataSettings) -> tuple[Listing, dict[str, int] | None]:
    """What there is before it is split: samples of all spans with their groups, and the ages of the spans, if any.

    Of splits the samples have those alone that the layout prescribes.

    Raises:
        UsageError: the folder, or what its layout needs, is missing or cannot be read.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder. Give the folder with the images: --data DIR")
    _refuse_undecodable_names(root, data)
    listing = _without_left_out(_without_ids_of_copies(_list(root, data)), data.leave_out)
    grouped, rejects = group_samples(listing.samples, data.groups, data.site_pattern)
    ages = None if data.spans is None else spans.span_ages(root)
    return Listing(tuple(grouped), (*listing.rejects, *rejects), listing.left_out), ages


def _list(root: Path, data: DataSettings) -> Listing:
    def list_layout(folder: Path) -> Listing:
        return LAYOUTS[data.layout].listing(folder, data)

    return list_layout(root) if data.spans is None else spans.list_spans(root, list_layout)


def _without_ids_of_copies(listing: Listing) -> Listing:
    """The listing with a reject for each sample whose id a copy of another would have too."""
    ids = {sample.id for sample in listing.samples}
    originals = {sample.image: original_of(sample.id, ids) for sample in listing.samples}
    rejects = [
        Reject(
            image, "name", f"augmented copies of {original!r} have such names, which end in + and a number: rename it"
        )
        for image, original in originals.items()
        if original is not None
    ]
    samples = tuple(sample for sample in listing.samples if originals[sample.image] is None)
    return replace(listing, samples=samples, rejects=(*listing.rejects, *rejects))


def _without_left_out(listing: Listing, paths: Sequence[str]) -> Listing:
    """Raises UsageError: there is no such image."""
    images = {sample.image for sample in listing.samples} | {reject.source for reject in listing.rejects}
    for path in paths:
        if path not in images:
            raise UsageError(f"[data] leave_out: no image is at {path!r}. Correct the path, or remove it")
    asked = {*paths}
    samples, out = ([each for each in listing.samples if (each.image in asked) is left] for left in (False, True))
    reason = "named in [data] leave_out"
    left_out = (*listing.left_out, *(Reject(sample.image, "left out", reason) for sample in out))
    rejects = tuple(reject for reject in listing.rejects if reject.source not in asked)
    return replace(listing, samples=tuple(samples), rejects=rejects, left_out=left_out)


def _read_files(root: Path, data: DataSettings) -> set[Path]:
    """What there is of everything that the listing depends on."""
    places = [root] if data.spans is None else spans.span_folders(root)
    layout = LAYOUTS[data.layout]
    read = {
        path
        for place in places
        for glob in layout.patterns(data).values()
        for path in place.glob(glob)
        if not any(is_left_behind(part) for part in path.relative_to(place).parts if part not in glob.split("/"))
    }
    read |= {path for place in places for path in layout.also_read(place, partial(layout.listing, place, data))}
    return read if data.spans is None else read.union(spans.misnamed(root))


def _state(path: Path) -> str:
    if path.is_dir():
        return "folder"
    # Of a link that points nowhere there is but the link.
    status = path.stat() if path.exists() else path.lstat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _refuse_undecodable_names(root: Path, data: DataSettings) -> None:
    for pattern in input_patterns(data).values():
        for path in root.glob(pattern):
            try:
                str(path.relative_to(root)).encode("utf-8")
            except UnicodeEncodeError:
                raise UsageError(f"{root}: has a file whose name is not UTF-8: {path.name!a}. Rename it.") from None
