"""Phantom data sets on disk, in the form of mini-MIAS or as films with masks of classes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from components.errors import UsageError
from components.imaging.files.codecs import encode_png
from pipeline.runs.phantoms.film import Film, draw_film
from pipeline.runs.phantoms.truth import class_mask, table_rows

Form = Literal["mias", "classes"]

MOST_WOMEN = 499  # film numbers have three digits
LEAST_SIZE = 64  # pixels; below it the smallest lesion is no disc any more
PARAMETERS = "phantoms.json"
SET_NAMES = re.compile(
    r"mdb\d{3}\.pgm|Info\.txt|README\.txt|phantoms\.json|images(/mdb\d{3}\.pgm)?|masks(/mdb\d{3}\.png)?"
)
NOTICE = "The films are computer-made phantoms, not patients: the numbers say nothing about mammograms."
README = """\
PHANTOMS, NOT PATIENTS

Every film in this folder was drawn by a computer program. No film shows a person, and the truth table
Info.txt describes drawn shapes, not diagnoses. The folder has the form of the mini-MIAS database so that
software can be tried without patient data. Nothing measured on it supports any clinical claim.
"""
CLASSES_README = """\
PHANTOMS, NOT PATIENTS

Every film in images was drawn by a computer program. No film shows a person, and the masks describe drawn
shapes, not anatomy or diagnoses: 0 background, 1 breast, 2 pectoral muscle, 3 lesion. They are there so that
software can be tried without patient data. Nothing measured on them supports any clinical claim.
"""


def write_phantoms(directory: Path, *, women: int, size: int, seed: int, form: Form = "mias") -> None:
    """Make `directory` hold a phantom data set.

    It gets two films of `size` x `size` pixels for each woman (`mdb001.pgm`, ...: binary PGM, uint8, odd
    numbers right, even numbers left), `README.txt` and `phantoms.json`. In the form `mias` films stand beside
    their truth table `Info.txt` (origin bottom-left); in the form `classes` the same films stand in `images`,
    and `masks` has a PNG of the same name with class indices for each: 0 background, 1 breast, 2 muscle, 3
    lesion. A film and its truth depend on `size`, `seed` and the film's number only. A set made with the same
    parameters is left as it is, one made with others is replaced. The set is built in a folder beside
    `directory` and renamed, so that a killed run leaves no half set.

    Raises:
        UsageError: a parameter is out of range, or `directory` holds something other than phantoms.
    """
    if not (1 <= women <= MOST_WOMEN and size >= LEAST_SIZE and seed >= 0):
        raise UsageError(
            f"phantoms: women={women}, size={size}, seed={seed}; "
            f"expected 1 to {MOST_WOMEN} women, a size of {LEAST_SIZE} or more and a seed of 0 or more"
        )
    made_with = {"women": women, "size": size, "seed": seed, "form": form, "drawn_by": _drawn_by()}
    parameters = json.dumps(made_with) + "\n"
    if (directory / PARAMETERS).is_file() and (directory / PARAMETERS).read_text() == parameters:
        return
    _refuse_foreign(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        write = _write_mias if form == "mias" else _write_classes
        write(fresh, (draw_film(number, size, seed) for number in range(1, 2 * women + 1)))
        (fresh / PARAMETERS).write_text(parameters)
        if directory.exists():
            directory.rename(Path(scratch) / "old")
        fresh.rename(directory)


def _drawn_by() -> str:
    """A hash of the sources that draw: other films are made once these have changed."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def _refuse_foreign(directory: Path) -> None:
    """Raise UsageError where replacing `directory` would delete anything but phantoms."""
    found = [] if not directory.exists() else ["a file in its place"]
    if directory.is_dir():
        found = sorted(entry.relative_to(directory).as_posix() for entry in directory.rglob("*"))
    foreign = [name for name in found if not SET_NAMES.fullmatch(name)]
    if foreign or (found and PARAMETERS not in found):
        raise UsageError(
            f"{directory}: not a phantom set (found {', '.join((foreign or found)[:3])}); "
            "expected a new folder, an empty one or a phantom set; name another folder"
        )


def _write_mias(directory: Path, films: Iterable[Film]) -> None:
    lines = ["REFNUM BG CLASS SEVERITY X Y RADIUS", ""]
    for film in films:
        _write_film(directory, film)
        lines += table_rows(film)
    (directory / "Info.txt").write_bytes("".join(f"{line}\r\n" for line in lines).encode("ascii"))
    (directory / "README.txt").write_text(README)


def _write_classes(directory: Path, films: Iterable[Film]) -> None:
    images, masks = directory / "images", directory / "masks"
    images.mkdir()
    masks.mkdir()
    for film in films:
        _write_film(images, film)
        (masks / f"{film.name}.png").write_bytes(encode_png(class_mask(film)))
    (directory / "README.txt").write_text(CLASSES_README)


def _write_film(directory: Path, film: Film) -> None:
    header = b"P5\n%d %d\n255\n" % (film.size, film.size)
    (directory / f"{film.name}.pgm").write_bytes(header + film.pixels.tobytes())
