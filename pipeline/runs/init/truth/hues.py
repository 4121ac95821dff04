"""Masks of colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from components.errors import UsageError
from components.imaging.truth.unclear import COVERED, JPEG_MOVES, MOST_COLOURS, Colour, reach
from pipeline.runs.init.colour_names import colour_name
from pipeline.runs.init.looks import Look, as_rgb, legend_of, share_of
from pipeline.runs.init.truth.levels import which_background
from pipeline.runs.init.truth.limits import BETWEEN_COLOURS
from pipeline.runs.init.truth.meanings import FoundTruth, Meaning
from pipeline.runs.init.truth.rims import rim_question, rims_of


def of_colours(looks: Sequence[Look]) -> FoundTruth:
    lossy = any(look.lossy for look in looks)
    colours = legend_of(looks, blurred=lossy)
    blended = not lossy and (len(colours) > MOST_COLOURS or any(_is_blend(looks, colour) for colour in colours))
    if blended:
        colours = [colour for colour in legend_of(looks, blurred=True) if not _is_blend(looks, colour)]
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
    blur = ", blurred by JPEG" if lossy else ", with blends along outlines" if blended else ""
    why = f"{len(colours)} colours{blur}; {background.name} stands at the borders"
    question = which_background("colours", background.name, ways, _black(colours))
    unsure = [] if question else [f"that {background.name} is background"]
    rims = rims_of(looks, [colour.code for colour in colours if colour is not background])
    if len(rims) == 1 and not question:
        ignored = next(colour for colour in colours if colour.code == rims[0])
        answers = {"class": keys, "ignore": _colour_table(colours, background, [ignored])}
        question = rim_question("the colour", ignored.name, answers)
    mask = dict(keys["mask"])
    if blended:
        mask["max_colour_distance"] = reach(colours)
        unsure += ["that blends along outlines count as the nearest colour"]
    return FoundTruth(mask, keys["classes"], meanings, "colours", why, unsure, [question] if question else [])


def _is_blend(looks: Sequence[Look], colour: Colour) -> bool:
    return share_of(looks, colour.code, "between") >= BETWEEN_COLOURS


def _black(colours: Sequence[Colour]) -> str:
    darkest = min(colours, key=lambda colour: float(np.linalg.norm(colour.rgb)))
    return darkest.name if np.linalg.norm(darkest.rgb) < JPEG_MOVES else "#000000"


def _colour_table(colours: Sequence[Colour], background: Colour, ignored: Collection[Colour] = ()) -> dict[str, Any]:
    """Keys of `[data]` where one of the colours is background."""
    others = [colour for colour in colours if colour is not background and colour not in ignored]
    names = dict(zip([each.name for each in others], _named(others), strict=True))
    table = {background.name: "background", **names, **{each.name: "ignore" for each in ignored}}
    return {"mask": {"form": "colours", "colours": table}, "classes": [*names.values()] if len(others) > 1 else []}


def _at_border(looks: Sequence[Look], colours: Sequence[Colour]) -> Colour:
    """The colour that most pixels at the borders are nearest to."""
    border = np.concatenate([as_rgb(look.border) for look in looks]).astype(float)
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
