"""What the masks say at the size of their files, before letterbox, crop and tiles add to them or cut them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from components.data_gate.findings import Finding, finding
from components.example_gen.settings import DataSettings
from components.imaging.truth.legend import TABLES
from components.imaging.truth.settings import Mask

Truth = Mapping[str, Mapping[str, Any]]
"""Of the account: by source, `components.imaging.truth.extent.Extent`, and `rules`."""


def without_background(truth: Truth) -> set[str]:
    """The sources whose mask has none."""
    return {source for source, mask in truth.items() if not mask["background"]}


def mask_summary(truth: Truth) -> dict[str, Any]:
    """By which rules mask files were read, of how many sources and, for each, of which first; and how much foreground
    the median of the masks has that have any, None where none has."""
    rules: dict[str, dict[str, Any]] = {}
    for mask in truth.values():
        for rule, path in mask["rules"].items():
            rules.setdefault(rule, {"sources": 0, "example": path})["sources"] += 1
    shares = [mask["foreground"] for mask in truth.values() if mask["foreground"]]
    return {"rules": rules, "median_foreground": median(shares) if shares else None}


def full_masks(truth: Truth, *, stops: bool) -> Iterator[Finding]:
    """Masks without background: some may be right; where no other has foreground, something is wrong."""
    full = [source for source, mask in truth.items() if mask["full"]]
    if stops is (len(full) == sum(mask["foreground"] > 0 for mask in truth.values())):
        yield from finding(
            "masks without background",
            "foreground everywhere",
            "Images may stand where masks belong, [data.mask] threshold may be too low, or a program has filled the "
            "files: mend or remove them.",
            (f"{source}{_read_as(truth[source])}" for source in full),
            stops=stops,
        )


def upside_down(truth: Truth, data: DataSettings, allowed: bool) -> Iterator[Finding]:
    """Masks of one class that are mostly foreground: of lesions that is the tissue around them.

    Drawings tell themselves what is inside, and tissues of several classes may well cover an image.
    """
    masks = {source: mask for source, mask in truth.items() if mask["rules"]}
    if allowed or len(data.task.classes) > 1 or all(mask["full"] for mask in masks.values()):
        return
    share = median(mask["foreground"] for mask in masks.values())
    along = [source for source, mask in masks.items() if mask["along_borders"]]
    large = [source for source, mask in masks.items() if mask["foreground"] > 0.5]
    if share > 0.5 or 2 * len(along) > len(masks):
        yield from finding(
            "mostly foreground",
            f"foreground covers {share:.0%} of an image (median of {len(masks)}), and lies along all four borders of "
            f"{len(along)}: are the masks read upside down?",
            f"{_advice(data.mask)} If it is meant, as of an organ, set [validation] mostly_foreground = true.",
            (f"{source}: {truth[source]['foreground']:.0%}{_read_as(truth[source])}" for source in large or along),
            stops=True,
        )


def _advice(mask: Mask) -> str:
    if mask.form in TABLES:
        return f"If so, let the names in [data.mask] {mask.form} change places."
    if mask.form != "binary":
        return "If so, let background and foreground change places in the files."
    other = "dark" if mask.foreground == "bright" else "bright"
    return f'If lesions are what is {other}, set [data.mask] foreground = "{other}".'


def _read_as(mask: Mapping[str, Any]) -> str:
    return "".join(f", foreground is {rule} in {path}" for rule, path in mask["rules"].items())
