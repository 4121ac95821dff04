"""What a mask is that the rule for it does not read, and the settings that do: all of it in one message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from components.imaging.truth.stray import amount, first

JPEG_MOVES = 48
"""Distance in RGB within which JPEG moves a colour."""
MOST_COLOURS = 8
"""Levels or colours that may be classes; masks with more are blurred, or no masks."""
_LOOKED_AT, _SAMPLE = 256, 1 << 20
"""Of the most frequent colours, of so many pixels."""
_RARE = 0.05
"""Share of the second most frequent colour below which others are taken for the blurred edges between them."""
_EDGE = 0.3
"""Share of the rarer of two colours below which one between them is their edge."""
COVERED = 0.5
"""Least share of the pixels that have colours which are named."""
_FARTHEST = 442
_VIRIDIS = {"#440154", "#fde724", "#fde725"}
"""Its ends, which a mask of two values has when a plotting library saves it."""


@dataclass(frozen=True)
class Colour:
    """A colour of a mask, and the share of its pixels that have it."""

    code: int
    """As in `#rrggbb`."""
    share: float

    @property
    def name(self) -> str:
        return f"#{self.code:06x}"

    @property
    def rgb(self) -> np.ndarray:
        return _rgb(self.code)


def unclear_grey(grey: np.ndarray, stray: np.ndarray, max_stray: float) -> str:
    """Of gray values `(H, W)` from an exact format, some of which are stray, bool `(H, W)`: neither 0 nor one other."""
    found, counts = np.unique(grey, return_counts=True)
    (low, high), (row, column) = (int(found[0]), int(found[-1])), first(stray)
    what = (
        f"the mask has {len(found)} grey values ({low} to {high}), expected 0 and one other; "
        f"{np.count_nonzero(stray)} pixels have others, {amount(stray, max_stray)}, the first is {grey[row, column]} "
        f"at row {row}, column {column}"
    )
    one = f"set [data.mask] threshold = {(low + high + 1) // 2} if it shows one class"
    rare = counts <= max_stray * grey.size
    values = found if counts[rare].sum() > max_stray * grey.size else found[~rare]
    if not 2 <= len(values) <= MOST_COLOURS:
        return f"{what}: {one}"
    if values[-1] < len(values):
        several = f'form = "indices" and [data] classes = {_names(len(values) - 1)}'
    else:
        several = _by_level(values.tolist())
    return f"{what}: {one}, {several} if it shows several"


def unclear_lossy(pixels: np.ndarray) -> str:
    """Of a JPEG mask, uint8 `(H, W[, C])`, which has no exact values."""
    if has_colours(pixels, JPEG_MOVES):
        return unclear_colours(pixels, lossy=True)
    low, high = int(pixels.min()), int(pixels.max())
    colours = colours_of(pixels, blurred=True)
    middle = (low + high + 1) // 2 if high - low > JPEG_MOVES else 128
    levels = _by_level([colour.code & 255 for colour in colours]) if len(colours) > 2 else ""
    several = f" if it shows one class, {levels} if several" if levels else ""
    return f"a JPEG mask has no sharp classes: set [data.mask] threshold = {middle}{several}, or use PNG"


def unclear_colours(pixels: np.ndarray, *, lossy: bool = False) -> str:
    """Of a mask with colours, `(H, W, 3)`."""
    colours = colours_of(pixels, blurred=lossy)
    blurred = lossy or len(colours) > MOST_COLOURS
    colours = colours_of(pixels, blurred=blurred)
    shares = ", ".join(f"{colour.name} {colour.share:.1%}" for colour in colours[:MOST_COLOURS])
    if not 2 <= len(colours) <= MOST_COLOURS or sum(colour.share for colour in colours) < COVERED:
        return (
            f"the mask has colours, and too many for classes ({shares} ...): a picture of a mask, such as a plot or an "
            "overlay. Save the mask itself, as PNG"
        )
    kind = " of a plot, viridis" if {colour.name for colour in colours} <= _VIRIDIS else ""
    kind += ", blurred by JPEG" if lossy else ", with blurred edges" if blurred else ""
    ways = _by_colour(colours, reach(colours) if blurred and not lossy else 0)
    palette = "" if lossy else '; or form = "indices" where a palette has the classes as its entries'
    return f"the mask has colours{kind}, expected grey values ({shares}): set [data.mask] {ways}{palette}"


def has_colours(pixels: np.ndarray, tolerance: int = 0) -> bool:
    """Whether the channels of `(H, W[, C])` differ by more than a tolerance."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return False
    return bool((pixels.max(axis=-1).astype(int) - pixels.min(axis=-1) > tolerance).any())


def colours_of(pixels: np.ndarray, *, blurred: bool) -> list[Colour]:
    """The colours of a mask, the most frequent first; where it is blurred, without those of edges."""
    found: dict[int, float] = {}
    for colour in _frequent(pixels):
        near = (code for code in found if blurred and np.linalg.norm(_rgb(code) - colour.rgb) <= JPEG_MOVES)
        code = next(near, colour.code)
        found[code] = found.get(code, 0) + colour.share
    colours = sorted((Colour(*item) for item in found.items()), key=lambda colour: -colour.share)
    if not blurred:
        return colours
    kept: list[Colour] = []
    for colour in colours:
        if colour.share >= _RARE * colours[min(1, len(colours) - 1)].share and not _is_blend(colour, kept):
            kept.append(colour)
    return kept


def _is_blend(colour: Colour, others: Sequence[Colour]) -> bool:
    """Whether a colour lies between two others and is so much rarer that it will be the edge between them."""
    pairs = [(one, other) for one, other in combinations(others, 2) if colour.share < _EDGE * other.share]
    return any(_off(colour.rgb, one.rgb, other.rgb) <= JPEG_MOVES for one, other in pairs)


def _off(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """The distance of a point from the line between two others."""
    along = np.clip(np.dot(point - start, end - start) / np.dot(end - start, end - start), 0, 1)
    return float(np.linalg.norm(start + along * (end - start) - point))


def _frequent(pixels: np.ndarray) -> Iterator[Colour]:
    channels = pixels.reshape(-1, 1 if pixels.ndim == 2 else pixels.shape[2])
    sample = channels[:: 1 + len(channels) // _SAMPLE] >> (8 if pixels.dtype == np.uint16 else 0)
    rgb = np.broadcast_to(sample.astype(np.int32), (len(sample), 3))
    codes, counts = np.unique(rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2], return_counts=True)
    for index in np.argsort(-counts, kind="stable")[:_LOOKED_AT]:
        yield Colour(int(codes[index]), counts[index] / len(sample))


def _rgb(code: int) -> np.ndarray:
    return np.array([code >> shift & 255 for shift in (16, 8, 0)], float)


def reach(colours: Sequence[Colour]) -> int:
    """A distance within which every blend of two colours is that of the nearer one."""
    widest = max((float(np.linalg.norm(one.rgb - other.rgb)) for one in colours for other in colours), default=0.0)
    return min(_FARTHEST, int(np.ceil(1.25 * widest / 20)) * 10)


def _by_colour(colours: Sequence[Colour], distance: int = 0) -> str:
    within = f"max_colour_distance = {distance}, " if distance else ""
    return _by_table("colours", [f'"{colour.name}"' for colour in colours], within)


def _by_level(levels: Sequence[int]) -> str:
    return _by_table("levels", [str(level) for level in levels])


def _by_table(form: str, keys: Sequence[str], within: str = "") -> str:
    """The first is taken for background."""
    names = ["foreground"] if len(keys) == 2 else [f"class{number}" for number in range(1, len(keys))]
    table = ", ".join(f'{key} = "{name}"' for key, name in zip(keys, ["background", *names], strict=True))
    classes = f" and [data] classes = {_names(len(names))}" if len(names) > 1 else ""
    return f'form = "{form}", {within}{form} = {{{table}}}{classes}'


def _names(count: int) -> str:
    return "[" + ", ".join(f'"class{number}"' for number in range(1, count + 1)) + "]"
