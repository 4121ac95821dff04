"""The files below a folder, by names alone: images, and what else stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from components.errors import UsageError
from components.example_gen.links import links_to_folders, walk
from components.example_gen.samples import is_of_kind, without_suffix
from components.imaging.files import label_text
from components.imaging.files.codecs import SUFFIXES

_MOST = 1_000_000


@dataclass(frozen=True)
class Files:
    root: Path
    images: Mapping[str, Path]
    """By path below the root without suffix, with `/`, accents composed; of several of one name the first."""
    arrays: Mapping[str, Path]
    """NumPy's `.npz`, likewise."""
    texts: Mapping[str, Path]
    """Label maps as text, likewise; they are among the others, too."""
    others: tuple[Path, ...]
    links: Mapping[Path, Path]
    """To folders of images, and what they lead to."""

    @property
    def composed(self) -> bool:
        """Whether the names of images are on disk as they are here."""
        return all(name == without_suffix(path.relative_to(self.root)).as_posix() for name, path in self.images.items())


def files_below(root: Path) -> Files:
    """All but hidden ones; links to folders are followed as layouts do.

    Raises:
        UsageError: there is no such folder, it cannot be read, or holds more files than a data set has.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder. Give the folder with the images")
    images: dict[str, Path] = {}
    arrays: dict[str, Path] = {}
    texts: dict[str, Path] = {}
    others: list[Path] = []
    for here, names in walk(root, _refuse):
        for path in (here / name for name in names):
            name = normalize("NFC", without_suffix(path.relative_to(root)).as_posix())
            if is_of_kind(path, SUFFIXES):
                images.setdefault(name, path)
            elif path.suffix.lower() == ".npz":
                arrays.setdefault(name, path)
            else:
                others.append(path)
                if is_of_kind(path, label_text.SUFFIXES):
                    texts.setdefault(name, path)
        if len(images) + len(others) > _MOST:
            raise UsageError(f"{root}: holds more than {_MOST} files. Give the folder of the data set")
    return Files(root, images, arrays, texts, tuple(others), links_to_folders(root, images.values()))


def _refuse(error: OSError) -> None:
    raise UsageError(f"{error.filename}: cannot be read: {error.strerror}") from error
