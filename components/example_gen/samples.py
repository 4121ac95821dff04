"""What a folder of images holds: samples with their truth, found by name, and what cannot be used."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

from components.brief import brief
from components.errors import UsageError
from components.imaging.files import label_text
from components.imaging.files.codecs import SUFFIXES
from components.imaging.files.dicom_mark import PREAMBLE_BYTES, is_dicom
from components.imaging.truth.settings import Mask
from components.imaging.truth.shapes import Shape
from components.reading import opened

SPLIT_NAMES: Mapping[str, Literal["train", "eval", "test"]] = {
    "train": "train",
    **dict.fromkeys(("valid", "val", "validation", "eval"), "eval"),
    "test": "test",
}
"""The names in use for the splits, and their names in Maskline."""
Told = Literal["train", "eval", "test", "none"]
"""Of a word that tells a split, which it is; `none`: what has it is left out, as test images without truth are."""
NO_SPLIT = "no split"
"""The kind of a source that is left out because its split is `none`."""
_OF_TWO_PARTS = (".nii.gz",)
_NO_FILE = "not a file: a link that points nowhere, or a device"
_LEFT_BEHIND = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
_LONGEST_PATH = 8192
_UID = re.compile(r"\d+(?:\.\d+)+")
"""By which many an export names DICOM files: its last number is no suffix."""


class NotLaidOut(UsageError):
    """A folder lacks what its layout needs; it may be of a kind that is known, and none that is read."""


@dataclass(frozen=True)
class MaskFiles:
    """One or several mask images of an image, paths relative to the input folder."""

    paths: tuple[str, ...]
    classes: tuple[int, ...] = ()
    """The class of each file's foreground. Empty: the files hold one mask each, read by `[data.mask]` and merged."""
    fitted: bool = False
    """Whether a mask of another size, if of the aspect of its image, is resized to that, each pixel the nearest."""


@dataclass(frozen=True)
class Drawing:
    """Shapes to be filled; an empty drawing is an image without foreground."""

    shapes: tuple[Shape, ...] = ()
    bottom_left: bool = False
    """Whether y counts upwards from the bottom row, as in the MIAS truth tables: row = height - 1 - y."""
    region: Shape | None = None
    """What is judged; None: all of the image."""
    canvas: tuple[int, int] | None = None
    """Height and width, in the shapes' pixels, of what the image shows; None: the image's own."""


@dataclass(frozen=True)
class Sample:
    """An image and its truth. Paths are relative to the input folder."""

    id: str
    group: str
    """Patient, pair or slide: never split."""
    image: str
    truth: MaskFiles | Drawing
    label: str = ""
    site: str = ""
    """Institute or scanner, for leave-one-site-out."""
    split: str = ""
    """The split that the layout prescribes; empty: `[data.splits]` decides."""
    region: str = ""
    """Mask of what is judged; empty: all of the image."""


@dataclass(frozen=True)
class Reject:
    """A source that cannot be used: what kind of fault it has, and exactly what."""

    source: str
    kind: str
    reason: str

    def __post_init__(self) -> None:
        """Both may quote a document."""
        object.__setattr__(self, "source", brief(self.source, _LONGEST_PATH))
        object.__setattr__(self, "reason", brief(self.reason))


@dataclass(frozen=True)
class Listing:
    """Everything found in an input folder: each name of an image, a mask or a table row appears once."""

    samples: tuple[Sample, ...]
    rejects: tuple[Reject, ...]
    left_out: tuple[Reject, ...] = ()
    """Sources that the config asks to leave out, such as films without a lesion of the wanted severity."""

    @property
    def sources(self) -> int:
        return len(self.samples) + len(self.rejects) + len(self.left_out)


def merged(listings: Iterable[Listing]) -> Listing:
    """All that several listings hold, in their order."""
    parts = list(listings)
    return Listing(
        samples=tuple(sample for part in parts for sample in part.samples),
        rejects=tuple(reject for part in parts for reject in part.rejects),
        left_out=tuple(reject for part in parts for reject in part.left_out),
    )


def below(folder: str, listing: Listing) -> Listing:
    """The listing of a sub-folder as one of its parent: ids and paths begin with the folder, groups do not."""
    return Listing(
        samples=tuple(_sample_below(folder, sample) for sample in listing.samples),
        rejects=tuple(replace(reject, source=f"{folder}/{reject.source}") for reject in listing.rejects),
        left_out=tuple(replace(reject, source=f"{folder}/{reject.source}") for reject in listing.left_out),
    )


def _sample_below(folder: str, sample: Sample) -> Sample:
    truth = sample.truth
    if isinstance(truth, MaskFiles):
        truth = replace(truth, paths=tuple(f"{folder}/{path}" for path in truth.paths))
    region = sample.region and f"{folder}/{sample.region}"
    return replace(sample, id=f"{folder}/{sample.id}", image=f"{folder}/{sample.image}", truth=truth, region=region)


def mask_suffixes(mask: Mask) -> Set[str]:
    """The suffixes of mask files: of `one_hot` arrays, else those of images, and of text where they are no colours."""
    if mask.form == "one_hot":
        return frozenset({".npz"})
    return SUFFIXES if mask.form == "colours" else SUFFIXES | label_text.SUFFIXES


def is_left_behind(name: str) -> bool:
    """Whether it is a hidden file or another that file managers leave in folders: no source, and not worth a word."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def entries(folder: Path) -> list[Path]:
    """What a folder holds, sorted by name, without what file managers leave there."""
    return [path for path in sorted(folder.iterdir()) if not is_left_behind(path.name)]


def image_files(folder: Path, suffixes: Set[str] = SUFFIXES) -> Iterator[Path]:
    """The image files of a folder, sorted by name, sub-folders not searched."""
    return (path for path in entries(folder) if is_of_kind(path, suffixes) and path.is_file())


def unread_files(root: Path, folder: Path, suffixes: Set[str] = SUFFIXES) -> Iterator[Reject]:
    """The files of a folder that `image_files` does not give; sub-folders are none."""
    for path in entries(folder):
        source = path.relative_to(root).as_posix()
        if path.is_dir():
            continue
        if not path.is_file():
            yield Reject(source, "unreadable", _NO_FILE)
        elif not is_of_kind(path, suffixes):
            yield Reject(source, "unknown kind of file", unknown_kind(suffixes))


def no_files(root: Path, paths: Iterable[Path], suffixes: Set[str]) -> Iterator[Reject]:
    """Those of the suffixes that are neither files nor folders, nor links to any."""
    for path in paths:
        if suffix_of(path) in suffixes and not path.is_file() and not path.is_dir():
            yield Reject(path.relative_to(root).as_posix(), "unreadable", _NO_FILE)


def is_of_kind(path: Path, suffixes: Set[str]) -> bool:
    """Whether a file has one of the suffixes, of text also the content of a label map; or none but the content of DICOM
    where that is asked for."""
    if suffix_of(path) in suffixes:
        return suffix_of(path) not in label_text.SUFFIXES or _holds(path, label_text.holds_labels)
    return ".dcm" in suffixes and without_suffix(path) == path and _holds(path, _is_dicom_file)


def without_suffix(path: PurePath) -> PurePath:
    """The path that a file is paired and grouped by: all of it where it ends in no suffix."""
    suffix = suffix_of(path)
    return path if not suffix or _UID.fullmatch(path.name) else path.with_name(path.name[: -len(suffix)])


def suffix_of(path: PurePath) -> str:
    """In lower case, with its dot; `.nii.gz` is one."""
    name = path.name.lower()
    return next((whole for whole in _OF_TWO_PARTS if name.endswith(whole) and name != whole), path.suffix.lower())


def _holds(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return path.is_file() and kind(path)
    except OSError:
        return False  # a name that is too long, or a file that may not be read


def _is_dicom_file(path: Path) -> bool:
    with opened(path) as file:
        return is_dicom(file.read(PREAMBLE_BYTES))


def unknown_kind(suffixes: Set[str]) -> str:
    """The reason why a file of another suffix is not read."""
    text = suffixes & label_text.SUFFIXES
    rows = f", or rows of whole numbers in {' or '.join(sorted(text))}" if text else ""
    return f"a file of a kind that is not read; expected {', '.join(sorted(suffixes - text))}{rows}"


def by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Paths keyed by name without suffix."""
    stems: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        stems[without_suffix(path).name].append(path)
    return dict(stems)
