"""What the gate says of the orientations that images and masks carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.data_gate.findings import Finding, finding
from components.example_gen.turns import Turns
from components.imaging.files.orientation import UPRIGHT


def orientation_summary(turns: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many images, rejects included, carry an orientation other than upright, and how many sources have masks that
    carry the same, or another."""
    found = [Turns(**row) for row in turns.values()]
    return {
        "images": sum(turn.image != UPRIGHT for turn in found),
        "masks_alike": sum(turn.agree for turn in found),
        "masks_otherwise": sum(not turn.agree for turn in found),
    }


def turned_images(turns: Mapping[str, Mapping[str, Any]], *, upright: bool) -> Iterator[Finding]:
    """The images and masks that carry an orientation."""
    counts = orientation_summary(turns)
    yield from finding(
        "orientation",
        f"{counts['images']} images carry one (EXIF, TIFF tag, place in a patient); masks carry the same in "
        f"{counts['masks_alike']} sources, none or another in {counts['masks_otherwise']}",
        f"{'Each file was turned by its own' if upright else 'None was applied'}. Look whether outlines lie where they "
        "should: maskline augment RECIPE --data DIR --preview sheet.png. [data] orientation says what is meant.",
        (f"{source}: {Turns(**row)}" for source, row in turns.items()),
        stops=False,
    )
