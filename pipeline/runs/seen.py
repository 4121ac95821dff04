"""`maskline seen`: whether a served model was made of an image, or of one that it is a copy of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from components.errors import ExitCode, UsageError
from components.example_gen.samples import Sample, image_files
from components.imaging.files.codecs import LIMITS, UnreadableImage, read_image
from components.parallel import ordered_map, threads
from components.seen.known import Learnt, learnt_by
from components.seen.match import Match, matches
from components.seen.query import Query, query_of
from components.serving_dir import data_section
from pipeline.runs.examined import Watch
from pipeline.runs.served import version_folder

_NO_DETAIL = "too little detail: of changed copies only those flipped or turned by right angles are known"


def seen_images(model: Path, images: Sequence[Path], watch: Watch) -> dict[str, Any]:
    """What is known of each image: `seen` (null where it cannot be read), `matches`, a `note`; and their counts.

    Args:
        model: as `version_folder` takes it.
        images: files, or folders whose image files are asked for.
        watch: sees the images pass.

    Raises:
        UsageError: there is no such model, it does not say what it was made of, or there is no image.
    """
    version = version_folder(model)
    learnt, data = learnt_by(version), data_section(version)
    paths = list(_files(images))
    if not paths:
        raise UsageError(f"{', '.join(map(str, images))}: no image. Give files, or folders with images")

    def ask(path: Path) -> Query | str:
        try:
            return query_of(read_image(path, LIMITS, bool(data.get("dicom_window")), _upright(data)))
        except UnreadableImage as error:
            return str(error)

    asked = list(watch(ordered_map(ask, paths, threads()), len(paths)))
    found = iter(all_matches([one for one in asked if isinstance(one, Query)], learnt))
    rows = [
        _row(path, one, next(found) if isinstance(one, Query) else []) for path, one in zip(paths, asked, strict=True)
    ]
    return {
        "model": str(version),
        "by_pixels_alone": learnt.by_pixels_alone,
        "without_detail": learnt.blank,
        "not_known": learnt.lost,
        "seen": sum(row["seen"] is True for row in rows),
        "unseen": sum(row["seen"] is False for row in rows),
        "unreadable": sum(row["seen"] is None for row in rows),
        "images": rows,
    }


def exit_code(found: Mapping[str, Any]) -> ExitCode:
    """What has been seen weighs more than what cannot be read."""
    if found["seen"]:
        return ExitCode.DATA_REFUSED
    return ExitCode.USAGE if found["unreadable"] else ExitCode.DONE


def all_matches(queries: Sequence[Query], learnt: Learnt) -> list[list[Match]]:
    """For each query its matches in all versions, the most alike first."""
    by_version = [matches(queries, known) for known in learnt.versions]
    return [
        sorted(chain.from_iterable(found), key=lambda match: -match.similarity)
        for found in zip(*by_version, strict=True)
    ]


def seen_samples(asked: Sequence[tuple[Sample, Query]], learnt: Learnt) -> list[dict[str, Any]]:
    """Those of a data set's samples that a model has seen, or whose group: `image` and `matches`."""
    rows = []
    by_group = [{image.group: image for image in known.images} for known in learnt.versions]
    for (sample, _), found in zip(asked, all_matches([query for _, query in asked], learnt), strict=True):
        grouped = [
            Match(images[group], "same group", 0.0)
            for known, images in zip(learnt.versions, by_group, strict=True)
            if not found and known.names and (group := known.names(sample.group)) in images
        ]
        if found or grouped:
            rows.append({"image": sample.image, "matches": list(map(match_row, [*found, *grouped]))})
    return rows


def match_row(match: Match) -> dict[str, Any]:
    """A match as JSON."""
    image = match.image._asdict()
    return {**image, "by": match.by, "similarity": round(match.similarity, 3)}


def _files(images: Iterable[Path]) -> Iterator[Path]:
    for path in images:
        yield from image_files(path) if path.is_dir() else [path]


def _upright(data: Mapping[str, Any]) -> bool:
    return data.get("orientation") != "ignore"


def _row(path: Path, asked: Query | str, found: Sequence[Match]) -> dict[str, Any]:
    if isinstance(asked, str):
        return {"image": str(path), "seen": None, "matches": [], "note": asked}
    note = _NO_DETAIL if asked.is_blank and not found else ""
    return {"image": str(path), "seen": bool(found), "matches": list(map(match_row, found)), "note": note}
