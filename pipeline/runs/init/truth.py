"""What mask files mean: how `[data.mask]` must read them, and what is a person's to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from components.errors import UsageError
from components.imaging.truth.unclear import COVERED, JPEG_MOVES, MOST_COLOURS, Colour, colours_of
from pipeline.runs.init.colour_names import colour_name
from pipeline.runs.init.looks import Look
from pipeline.runs.init.questions import Question

_STRAY = 0.001
"""Share of all pixels up to which a value is nobody's."""
_RARE = 0.1
"""Share of the masks."""
_TWO = 2
_MOST_LEVELS = 16
_MOST_CLASSES = 24
_VOID = 255
_MOST_KINDS = 4
"""Of masks of one class each."""
_FULL = 0.5
"""Share of foreground from which on it may be the background."""


@dataclass(frozen=True)
class Meaning:
    """Of a value or a colour of masks."""

    value: str
    name: str
    share: float
    """Of all pixels that were looked at."""


@dataclass(frozen=True)
class FoundTruth:
    mask: Mapping[str, Any]
    """Keys of `[data.mask]` that are not as by default."""
    classes: Sequence[str]
    """Keys of `[data] classes`; empty: one, foreground."""
    meanings: Sequence[Meaning]
    form: str
    """For people."""
    why: str
    unsure: Sequence[str] = field(default=())
    question: Question | None = None


def found_truth(looks: Sequence[Look]) -> FoundTruth:
    """What masks mean, of at least one; a few that are unlike all others decide nothing."""
    looks = _without_odd(looks)
    if any(look.coloured for look in looks):
        return _of_colours(looks) if _has_hues(looks) else _of_blurred([_as_gray(look) for look in looks])
    if all(look.palette for look in looks):
        return _of_values(looks, "palette entries")
    if any(look.lossy for look in looks):
        return _of_blurred(looks)
    return _of_values(looks, "grey values")


def _without_odd(looks: Sequence[Look]) -> Sequence[Look]:
    """Those whose kind is not rare."""
    kinds = Counter(map(_kind, looks))
    return [look for look in looks if kinds[_kind(look)] >= _RARE * len(looks)]


def _kind(look: Look) -> tuple[bool, ...]:
    return look.coloured, look.palette, look.lossy, len(look.values) > _MOST_LEVELS


def _has_hues(looks: Sequence[Look]) -> bool:
    """Whether what is frequent has colours: along outlines channels differ where each was warped by itself."""
    return any(np.ptp(colour.rgb) > JPEG_MOVES for colour in _legend(looks, blurred=True))


def _of_values(looks: Sequence[Look], what: str) -> FoundTruth:
    counts = _counts(looks)
    known = {value for value, share in counts.items() if share >= _STRAY or _is_own(value, looks)}
    if known == {0}:
        raise UsageError(
            f"{looks[0].path.parent}: every mask that was looked at ({len(looks)}) is empty: nothing tells what is "
            "foreground. Give masks with some, or write the recipe by hand: maskline config show folders"
        )
    if any(len(look.values) > _MOST_LEVELS for look in looks):
        return _of_instances(looks) if _are_numbers(looks) else _of_soft(looks)
    others = {int(value) for look in looks for value in look.values if value}
    if (
        all(len(look.values) <= 2 for look in looks)
        and 0 in known
        and (len(others) > _MOST_KINDS or others == {1, _VOID})
    ):
        # Who numbers masks, or saves them now as 0 and 1, now as 0 and 255, means one class.
        return _of_two(looks, {0: counts[0], max(known): 1 - counts[0]}, what)
    if known <= {0, max(known)}:
        return _of_two(looks, {value: counts[value] for value in known}, what)
    without_void = sorted(known - {_VOID})
    if without_void == [*range(len(without_void))] and 2 < len(without_void) <= _MOST_CLASSES:
        return _of_indices(counts, without_void, _VOID in known, what)
    return _of_levels(looks, {value: counts[value] for value in sorted(known)}, what)


def _counts(looks: Sequence[Look]) -> dict[int, float]:
    """The share of each value, in its order, of all pixels: a lesion may be a few of them."""
    counts: Counter[int] = Counter()
    for look in looks:
        counts.update(dict(zip(look.values.tolist(), look.counts.tolist(), strict=True)))
    return {value: count / counts.total() for value, count in sorted(counts.items())}


def _is_own(value: int, looks: Sequence[Look]) -> bool:
    """Whether some mask has a value on more than stray pixels, or no other beside one."""
    return any(
        value in look.values
        and (len(look.values) <= _TWO or look.counts[look.values == value][0] >= _STRAY * look.counts.sum())
        for look in looks
    )


def _of_two(looks: Sequence[Look], shares: Mapping[int, float], what: str) -> FoundTruth:
    """Of 0 and another."""
    other = max(shares)
    meanings = [Meaning("0", "background", shares.get(0, 0.0)), Meaning(str(other), "foreground", shares[other])]
    exact = all(len(look.values) <= 2 for look in looks)
    mask: dict[str, Any] = {} if exact else {"threshold": (other + 1) // 2}
    if looks[0].palette:
        mask = {"form": "levels", "levels": {"0": "background", str(other): "foreground"}}
    why = f"{what} 0 and {other}" + ("" if exact else ", and stray ones between them")
    return FoundTruth(mask, [], meanings, "two levels", why, question=_which_way(looks, other))


def _which_way(looks: Sequence[Look], bright: int) -> Question | None:
    median = float(np.median([np.mean(look.pixels >= max(1, (bright + 1) // 2)) for look in looks]))
    if median <= _FULL:
        return None
    text = (
        f"[data.mask] foreground: the bright pixels ({bright}) cover {median:.0%} of a mask. Are they the foreground "
        '("bright"), or are the dark ones ("dark")?'
    )
    return Question(text, {way: {"mask": {"foreground": way}} for way in ("bright", "dark")}, None)


def _of_indices(counts: Mapping[int, float], values: Sequence[int], void: bool, what: str) -> FoundTruth:
    names = [f"class_{value}" for value in values[1:]]
    meanings = [
        Meaning(str(value), name, counts[value]) for value, name in zip(values, ["background", *names], strict=True)
    ]
    meanings += [Meaning(str(_VOID), "ignore", counts[_VOID])] if void else []
    mask = {"form": "indices", **({"ignore": _VOID} if void else {})}
    why = f"{what} 0 to {values[-1]}" + (f", and {_VOID} for what is not judged" if void else "")
    return FoundTruth(mask, names, meanings, "class indices", why, ["the names of the classes"])


def _of_levels(looks: Sequence[Look], shares: Mapping[int, float], what: str) -> FoundTruth:
    border = Counter(np.concatenate([look.border for look in looks]).tolist())
    background = max(shares, key=lambda value: (border[value], shares[value]))
    ways = {str(value): _levels(shares, value) for value in shares}
    keys = ways[str(background)]
    meanings = [Meaning(value, name, shares[int(value)]) for value, name in keys["mask"]["levels"].items()]
    why = f"{what} {', '.join(map(str, shares))}; {background} stands at the borders"
    question = _which_background(what, str(background), ways, "0")
    unsure = [*([] if question else [f"that {background} is background"])]
    unsure += ["the names of the classes"] if len(shares) > _TWO else []
    return FoundTruth(keys["mask"], keys["classes"], meanings, "levels", why, unsure, question)


def _levels(values: Iterable[int], background: int) -> dict[str, Any]:
    """Keys of `[data]` where one of the values is background."""
    others = [value for value in values if value != background]
    names = {background: "background", **_class_names(others)}
    classes = [names[each] for each in others] if len(others) > 1 else []
    return {"mask": {"form": "levels", "levels": {str(value): names[value] for value in values}}, "classes": classes}


def _which_background(what: str, guess: str, ways: Mapping[str, Mapping[str, Any]], black: str) -> Question | None:
    """None where black is, which it mostly is, or where of several values, none of them black, one stands around."""
    if guess == black or (black not in ways and len(ways) > _TWO):
        return None
    text = f"[data.mask]: {what} {', '.join(ways)}, and {guess} stands at the borders. Which of them is background?"
    return Question(text, ways, None)


def _class_names(values: Sequence[int]) -> dict[int, str]:
    return {values[0]: "foreground"} if len(values) == 1 else {value: f"class_{value}" for value in values}


def _are_numbers(looks: Sequence[Look]) -> bool:
    """Whether values count objects: whole numbers of which few are left out, as many as there are objects."""
    last = [int(look.values[-1]) for look in looks if len(look.values) > 1]
    return bool(last) and all(int(each.values[-1]) < 2 * len(each.values) for each in looks) and len({*last}) > 1


def _of_instances(looks: Sequence[Look]) -> FoundTruth:
    inside = float(np.mean(np.concatenate([look.pixels for look in looks]) > 0))
    meanings = [Meaning("0", "background", 1 - inside), Meaning("1 ...", "foreground", inside)]
    most = max(len(look.values) - 1 for look in looks)
    why = f"values number objects, up to {most} in an image"
    return FoundTruth({"form": "instances"}, [], meanings, "instances, united", why)


def _of_soft(looks: Sequence[Look]) -> FoundTruth:
    largest = max(int(look.values[-1]) for look in looks)
    threshold = (largest + 1) // 2
    inside = float(np.mean(np.concatenate([look.pixels for look in looks]) >= threshold))
    meanings = [
        Meaning(f"below {threshold}", "background", 1 - inside),
        Meaning(f"from {threshold}", "foreground", inside),
    ]
    why = f"many grey values up to {largest}, cut in the middle"
    unsure = [f"the threshold {threshold}"]
    return FoundTruth({"threshold": threshold}, [], meanings, "grey", why, unsure, _which_way(looks, largest))


def _of_blurred(looks: Sequence[Look]) -> FoundTruth:
    """Of gray JPEG, or of gray with other values along outlines."""
    colours = sorted(_legend(looks, blurred=True), key=lambda colour: colour.code)
    if len(colours) < 2:
        return _of_soft(looks)
    levels = {colour.code & 255: colour.share for colour in colours}
    if len(levels) > 2:
        return _of_levels(looks, levels, "grey levels near")
    low, high = levels
    meanings = [Meaning(f"near {low}", "background", levels[low]), Meaning(f"near {high}", "foreground", levels[high])]
    blur = "blurred by JPEG" if any(look.lossy for look in looks) else "blurred along outlines"
    why = f"levels near {low} and {high}, {blur}, cut in the middle"
    mask = {"threshold": (low + high + 1) // 2}
    return FoundTruth(mask, [], meanings, "two levels", why, question=_which_way(looks, high))


def _of_colours(looks: Sequence[Look]) -> FoundTruth:
    lossy = any(look.lossy for look in looks)
    colours = _legend(looks, blurred=lossy)
    if len(colours) > MOST_COLOURS:
        colours = _legend(looks, blurred=True)
    if len(colours) < 2 or sum(colour.share for colour in colours) < COVERED:
        shares = ", ".join(f"{colour.name} {colour.share:.1%}" for colour in colours[:MOST_COLOURS])
        raise UsageError(
            f"{looks[0].path.parent}: the masks have colours, and too many for classes ({shares}): pictures of masks, "
            "such as plots or overlays. Give the masks themselves, as PNG"
        )
    background = _at_border(looks, colours)
    ways = {colour.name: _colour_table(colours, colour) for colour in colours}
    keys = ways[background.name]
    share = {colour.name: colour.share for colour in colours}
    meanings = [Meaning(colour, name, share[colour]) for colour, name in keys["mask"]["colours"].items()]
    why = f"{len(colours)} colours{', blurred by JPEG' if lossy else ''}; {background.name} stands at the borders"
    darkest = min(colours, key=lambda colour: float(np.linalg.norm(colour.rgb)))
    black = darkest.name if np.linalg.norm(darkest.rgb) < JPEG_MOVES else "#000000"
    question = _which_background("colours", background.name, ways, black)
    unsure = [] if question else [f"that {background.name} is background"]
    return FoundTruth(keys["mask"], keys["classes"], meanings, "colours", why, unsure, question)


def _colour_table(colours: Sequence[Colour], background: Colour) -> dict[str, Any]:
    """Keys of `[data]` where one of the colours is background."""
    others = [colour for colour in colours if colour is not background]
    names = dict(zip([each.name for each in others], _named(others), strict=True))
    table = {background.name: "background", **names}
    return {"mask": {"form": "colours", "colours": table}, "classes": [*names.values()] if len(others) > 1 else []}


def _legend(looks: Sequence[Look], *, blurred: bool) -> list[Colour]:
    return colours_of(np.concatenate([_as_rgb(look.pixels) for look in looks])[:, None], blurred=blurred)


def _as_rgb(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 2 else np.repeat(pixels[:, None], 3, axis=1)


def _as_gray(look: Look) -> Look:
    pixels, border = (each.reshape(len(each), -1)[:, 0] for each in (look.pixels, look.border))
    return replace(look, pixels=pixels, border=border)


def _at_border(looks: Sequence[Look], colours: Sequence[Colour]) -> Colour:
    """The colour that most pixels at the borders are nearest to."""
    border = np.concatenate([_as_rgb(look.border) for look in looks]).astype(float)
    nearest = np.argmin([np.linalg.norm(border - colour.rgb, axis=1) for colour in colours], axis=0)
    return colours[int(np.bincount(nearest, minlength=len(colours)).argmax())]


def _named(colours: Sequence[Colour]) -> Iterator[str]:
    """By the words for colours, numbered where a word comes again."""
    if len(colours) == 1:
        yield "foreground"
        return
    words: Counter[str] = Counter()
    for colour in colours:
        word = colour_name(colour.code)
        words[word] += 1
        yield word if words[word] == 1 else f"{word}_{words[word]}"
