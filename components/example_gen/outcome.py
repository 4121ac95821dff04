"""What becomes of a sample: its records, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from components.brief import brief
from components.example_gen.core import derive, lesions_lost, read_source, views
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.example_gen.turns import Turns
from components.example_gen.unusable import Unusable
from components.imaging.truth.extent import extent_of
from components.records.record import Record

Made = TypeVar("Made")


@dataclass(frozen=True)
class Outcome:
    """What became of a sample."""

    source: str
    split: str
    records: int = 0
    empty_tiles_dropped: int = 0
    inflation: float | None = None
    stray: float = 0.0
    lesions_lost: int = 0
    """Regions of foreground in the mask files that no record shows: too small for its scale, or cropped away."""
    cut_off: int = 0
    """Drawn shapes that reach beyond the image."""
    truth: dict[str, Any] | None = None
    """`Extent` of the truth at the size of its files, and `rules` by which the files were read; None of a reject."""
    turns: dict[str, Any] | None = None
    """`Turns`, where a file carries an orientation."""
    kind: str = ""
    """Of the fault that made the sample a reject; empty for none."""
    reason: str = ""


def outcome_of(
    sample: Sample, root: Path, data: DataSettings, make: Callable[[Record], Made]
) -> tuple[Outcome, list[Made]]:
    """What `make` makes of each record of a sample; of a reject nothing.

    Records are made and let go one by one: of a large image that is cut into tiles what is made of them waits, but not
    their pixels.
    """
    try:
        source = read_source(root, sample, data)
        planned = views(source, data)
        made = [make(record) for record in derive(source, planned, data, sample.split)]
    except Unusable as error:
        turns = _turns(error.turns) if error.turns else None
        return Outcome(sample.image, sample.split, turns=turns, kind=error.kind, reason=brief(str(error))), []
    whole = [view for view in planned if not view.is_tile and view.id == sample.id]
    return Outcome(
        source=sample.image,
        split=sample.split,
        records=len(made),
        empty_tiles_dropped=len(planned) - len(made),
        inflation=source.truth.inflation,
        stray=source.truth.stray,
        lesions_lost=sum(lesions_lost(source, view) for view in whole),
        cut_off=source.truth.cut_off,
        truth={**asdict(extent_of(source.truth.classes)), "rules": dict(source.truth.rules)},
        turns=_turns(source.truth.turns),
    ), made


def _turns(turns: Turns) -> dict[str, Any] | None:
    return asdict(turns) if turns.carried else None
