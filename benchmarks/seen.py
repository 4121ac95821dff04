"""`maskline seen`: how many planted copies are known, and how many unseen images are taken for copies.

With `MASKLINE_BENCH_DATA` in the environment, the folder of `inbreast-mini` and `nuclei-mini`, also of real images.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from components.imaging.files.codecs import read_image
from components.imaging.fingerprint import signature
from components.parallel import ordered_map, threads
from components.seen.match import Known, KnownImage, matches
from components.seen.prints import prints_of
from components.seen.query import Query, query_of
from pipeline.runs.phantoms.film import draw_film

_FILMS, _COPIED = 1000, 100
_SIZE = 128
_DATA = "MASKLINE_BENCH_DATA"
Image = np.ndarray


def _jpeg(image: Image) -> Image:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_UNCHANGED)


def _scaled(share: float) -> Callable[[Image], Image]:
    how = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    return lambda image: cv2.resize(image, None, fx=share, fy=share, interpolation=how)


def _gamma(power: float) -> Callable[[Image], Image]:
    return lambda image: (255 * (image / 255) ** power).astype(np.uint8)


_COPIES: dict[str, Callable[[Image], Image]] = {
    "flipped left to right": lambda image: image[:, ::-1],
    "flipped upside down": lambda image: image[::-1],
    **{f"turned by {90 * turns}": lambda image, turns=turns: np.rot90(image, turns) for turns in (1, 2, 3)},
    **{f"resized by {share}": _scaled(share) for share in (0.5, 0.7, 1.5, 2.0)},
    "JPEG 75": _jpeg,
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.2, beta=10),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.7),
    **{f"gamma {power}": _gamma(power) for power in (0.7, 1.5)},
    "all at once": lambda image: _gamma(1.3)(_jpeg(_scaled(0.5)(np.rot90(image[:, ::-1])))),
}


def measure() -> Iterator[str]:
    """Yields for each kind of image and each form of signatures what was found."""
    films, strangers = _films(1), [film for seed in (2, 3, 4) for film in _films(seed)]
    yield from _of("phantom films", films, strangers)
    if data := os.environ.get(_DATA):
        for name in ("nuclei-mini", "inbreast-mini"):
            groups, images = _real(Path(data) / name)
            yield from _of(name, images, groups=groups)
            pieces = [(piece, group) for image, group in zip(images, groups, strict=True) for piece in _pieces(image)]
            yield from _of(
                f"pieces of {_SIZE} px of {name}", [one for one, _ in pieces], groups=[one for _, one in pieces]
            )


def _films(seed: int) -> list[Image]:
    return [draw_film(number, _SIZE, seed).pixels for number in range(1, _FILMS + 1)]


def _real(folder: Path) -> tuple[list[str], list[Image]]:
    """With the group of each image: mammograms of one number are copies of one another already."""
    paths = sorted((folder / "images").iterdir())
    mammograms = folder.name.startswith("inbreast")
    return [re.split("_", path.stem)[-1] if mammograms else path.stem for path in paths], list(map(read_image, paths))


def _pieces(image: Image) -> Iterator[Image]:
    """Side by side, those with details."""
    for top in range(0, image.shape[0] - _SIZE + 1, _SIZE):
        for left in range(0, image.shape[1] - _SIZE + 1, _SIZE):
            piece = image[top : top + _SIZE, left : left + _SIZE]
            if any(signature(piece)):
                yield piece


def _of(
    kind: str, known: Sequence[Image], strangers: Sequence[Image] = (), groups: Sequence[str] = ()
) -> Iterator[str]:
    """Without strangers each of the known is one to the others, but for those of its group."""
    groups = groups or [str(place) for place in range(len(known))]
    ours = _asked(known)
    unseen, unseen_groups = (_asked(strangers), ["stranger"] * len(strangers)) if strangers else (ours, groups)
    copies = {name: _asked(map(copy, known[:_COPIED])) for name, copy in _COPIES.items()}
    full = prints_of({query.hashes[0]: query.signatures[0] for query in ours})
    images = [KnownImage("", "", "", group, query.hashes[0]) for group, query in zip(groups, ours, strict=True)]
    for form, prints in (("full", full), ("coarse", full.coarse)):
        model = Known(images, prints)
        missed = {name: _missed(asked, groups, model) for name, asked in copies.items()}
        total = len(copies) * min(len(known), _COPIED)
        alarms = sum(
            any(match.image.group != group for match in found)
            for found, group in zip(matches(unseen, model), unseen_groups, strict=True)
        )
        yield (
            f"{kind}, {form}: {total - sum(missed.values())} of {total} copies known, missed: "
            f"{ {name: count for name, count in missed.items() if count} }; {alarms} false alarms of {len(unseen)} "
            f"images, {len(known)} known, {full.blank} of them without detail"
        )


def _missed(copies: Sequence[Query], groups: Sequence[str], model: Known) -> int:
    """The copies whose original is none of their matches."""
    pairs = zip(matches(copies, model), groups, strict=False)
    return sum(group not in {match.image.group for match in found} for found, group in pairs)


def _asked(images: Iterable[Image]) -> list[Query]:
    return list(ordered_map(lambda image: query_of(np.ascontiguousarray(image)), images, threads()))
