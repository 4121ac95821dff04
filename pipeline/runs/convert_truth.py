"""`maskline convert DIR`: the truth of a folder, of whatever layout, in the form of another tool."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from components.disk import full_disk_named
from components.errors import OpenQuestions, UsageError
from components.example_gen.core import read_source
from components.example_gen.listing import list_grouped
from components.example_gen.samples import Listing, MaskFiles, Reject, Sample, without_suffix
from components.example_gen.settings import DataSettings
from components.example_gen.unusable import Unusable
from components.imaging.annotations.target import Chunk, Labelled, Target
from components.imaging.annotations.target_registry import TARGETS
from components.imaging.files.codecs import UnreadableImage
from components.imaging.truth.classes import judged
from components.parallel import ordered_map
from pipeline.config.root import Config
from pipeline.runs.examined import Watch
from pipeline.runs.init.files import files_below
from pipeline.runs.laid_out import pointed_to_init
from pipeline.runs.new_folder import new_folder, refuse_existing
from pipeline.runs.read_as import read_as

_IN_NO_NAME = re.compile(r"[;\\]")
"""They part paths in tables, or parts of paths elsewhere."""


@dataclass(frozen=True)
class _Drawn:
    content: Any
    not_judged: int
    """Pixels."""


@dataclass
class _Account:
    converted: int = 0
    rejects: list[Reject] = field(default_factory=list)
    not_judged: list[int] = field(default_factory=list)
    """Pixels of each image that has some."""


def convert_truth(
    folder: Path, target: str, out: Path, recipe: str | None, overrides: Sequence[str], watch: Watch
) -> dict[str, Any]:
    """Writes the truth of all usable images of a folder, and returns what became of them.

    Args:
        folder: is only read, and named in no file but that of `folders`: images are told by their paths below it.
        target: of `TARGETS`.
        out: a new folder.
        recipe: how the folder is read; None: as `maskline init` understands it.
        overrides: of the config.
        watch: sees the images pass.

    Raises:
        UsageError: the folder, the recipe or `out` is not what it must be, or no image can be used.
        OpenQuestions: nobody has said what could turn the truth upside down.
        DiskFull: there is no room.
    """
    refuse_existing(out)
    root, config = read_as(folder, recipe, overrides)
    _refuse(root, config, out)
    data, chosen, account = config.records, TARGETS[target], _Account()
    with pointed_to_init(root):
        listing, _ = list_grouped(root, data)
    account.rejects += listing.rejects
    draw = partial(_drawn, root, out, data, chosen, stems_of([sample.image for sample in listing.samples]))
    drawn = ordered_map(draw, listing.samples, config.execution.workers or os.cpu_count() or 1)
    with full_disk_named(out), new_folder(out) as made:
        _write(made, chosen.join(_counted(watch(drawn, len(listing.samples)), account), data.task))
        if not account.converted:
            first = next((f", as {each.source}: {each.reason}" for each in account.rejects), "")
            raise UsageError(f"{root}: none of its images can be used{first}")
        files = sorted({path.relative_to(made).parts[0] for path in made.rglob("*") if path.is_file()})
    return {
        "to": target,
        "folder": str(root),
        "out": str(out),
        "files": files,
        "classes": data.task.classes,
        "converted": account.converted,
        "rejects": [asdict(reject) for reject in account.rejects],
        "left_out": len(listing.left_out),
        "not_read": _not_read(root, listing),
        "not_held": {"images": len(account.not_judged), "pixels": sum(account.not_judged)},
        "note": chosen.note,
    }


def stems_of(images: Iterable[str]) -> dict[str, str]:
    """What files of each image are called, by its path: that without suffix and without what leads out of the folder;
    with its suffix, or a number, where that is another's."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for image in images:
        inner = [part.strip() for part in PurePosixPath(image).parts if part != ".."]
        whole = PurePosixPath(*(_IN_NO_NAME.sub("_", part) or "_" for part in inner))
        stem = without_suffix(whole).as_posix()
        candidates = chain([stem, whole.as_posix()], (f"{stem}-{number}" for number in count(2)))
        # File systems may not tell capitals from small letters.
        found[image] = next(each for each in candidates if each.casefold() not in taken)
        taken.add(found[image].casefold())
    return found


def _not_read(root: Path, listing: Listing) -> list[str]:
    """Images in a folder that are neither an image nor a mask to the layout."""
    known = {each.source for each in (*listing.rejects, *listing.left_out)}
    for sample in listing.samples:
        known |= {sample.image, sample.region, *(sample.truth.paths if isinstance(sample.truth, MaskFiles) else ())}
    below = (path.relative_to(root).as_posix() for path in files_below(root).images.values())
    return [path for path in below if path not in known]


def _refuse(root: Path, config: Config, out: Path) -> None:
    if out.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{out}: lies in the folder of images, into which nothing is written. Choose another: --out")
    if config.data.questions:
        answer = "Say it by --set, with the key that each names, or by --recipe"
        raise OpenQuestions("\n".join(["what the truth means is open:", *config.data.questions, answer]))
    for name in config.data.classes:
        if not name.isprintable():
            raise UsageError(f"[data] classes: {name!a} has letters that cannot be shown. Rename it")


def _drawn(
    root: Path, out: Path, data: DataSettings, target: Target, stems: Mapping[str, str], sample: Sample
) -> _Drawn | Reject:
    try:
        sample.image.encode()
        mask = read_source(root, sample, data).truth.classes
        known = {"id": sample.id, "group": sample.group, "label": sample.label, "site": sample.site}
        columns = {**known, "split": sample.split}
        labelled = Labelled(sample.image, mask, stems[sample.image], _place(root, out, sample.image), columns)
        content = target.draw(labelled, data.task)
    except Unusable as error:
        return Reject(sample.image, error.kind, str(error))
    except UnreadableImage as error:
        return Reject(sample.image, "form", str(error))
    except UnicodeEncodeError:
        return Reject(sample.image, "name", "its name is not UTF-8: rename it")
    return _Drawn(content, 0 if target.keeps_ignored else int(np.count_nonzero(~judged(mask))))


def _place(root: Path, out: Path, image: str) -> str:
    """The path of an image from the output folder, wherever links lead."""
    return Path(os.path.relpath(root.resolve() / image, out.parent.resolve() / out.name)).as_posix()


def _counted(drawn: Iterable[_Drawn | Reject], account: _Account) -> Iterator[Any]:
    for each in drawn:
        if isinstance(each, Reject):
            account.rejects.append(each)
            continue
        account.converted += 1
        account.not_judged += [each.not_judged] if each.not_judged else []
        yield each.content


def _write(folder: Path, chunks: Iterable[Chunk]) -> None:
    for path, content in chunks:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("ab") as file:
            file.write(content)
