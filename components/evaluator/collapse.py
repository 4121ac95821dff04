"""A model that tells nothing apart: one class, or background, in every pixel of every case."""

from __future__ import annotations

from collections.abc import Sequence

from components.evaluator.per_case import Case


def collapse(cases: Sequence[Case]) -> str | None:
    """What such a model predicts, in words; None of any other.

    No limit need see it: masks without foreground, of which nothing is predicted, have Dice 1.
    """
    everywhere = set.intersection(*map(_everywhere, cases)) if cases else set()
    return f"it predicts {everywhere.pop()} in every pixel of each of {len(cases)} cases" if everywhere else None


def _everywhere(case: Case) -> set[str]:
    """The class that a case shows alone; none where it shows several."""
    if not case.predicted_pixels:
        return {"background"}
    counts = {name: scores.counts for name, scores in case.classes.items()}
    return {name for name, found in counts.items() if found.predicted_pixels == found.judged_pixels}
