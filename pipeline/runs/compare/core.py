"""The comparison itself: which cases runs share, how their measures differ on these, and what else differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from components.errors import UsageError
from components.evaluator.per_case import Case
from components.evaluator.values import summary, summary_of_changes
from components.measures.all import MEASURES
from components.measures.measure import Measure

_NAMED = 3
_DISAGREEMENTS = 2
Verdict = Literal["better", "worse", "not told apart"]


@dataclass(frozen=True)
class Sight:
    """What a case was made of; equal where it is the same."""

    pixels: bytes
    """Digest of the decoded source."""
    truth: bytes
    """Digest of the mask, and its size."""


@dataclass(frozen=True)
class Shared:
    """The cases that all runs have."""

    cases: list[list[Case]]
    """Of each run, in the same order."""
    other_pixels: list[str]
    """Ids that all runs have, of different images."""
    left_out: list[int]
    """Of each run, how many of its cases are not shared."""


def shared_cases(runs: Sequence[Sequence[Case]], sights: Sequence[Mapping[str, Sight]]) -> Shared:
    """The cases with the same id and the same source pixels in all runs, in the order of the first.

    Args:
        runs: of each run its cases.
        sights: of each run what they were made of, by id.

    Raises:
        UsageError: there is none, or their truth differs.
    """
    by_id = [{case.id: case for case in cases} for cases in runs]
    common = [case.id for case in runs[0] if all(case.id in known for known in (*by_id, *sights))]
    same = [id for id in common if len({seen[id].pixels for seen in sights}) == 1]
    if not same:
        other = f"; {len(common)} ids are common, of other pixels" if common else ""
        raise UsageError(
            f"the runs share no case, so there is nothing to compare: they have {_counts(map(len, runs))} cases, none "
            f"with the same id and the same pixels in all{other}. Compare runs with the same test split"
        )
    changed = [id for id in same if len({seen[id].truth for seen in sights}) > 1]
    if changed:
        raise UsageError(
            f"the truth differs in {len(changed)} of {len(same)} shared cases ({_named(changed)}): in its pixels, or "
            "in the size at which it is judged ([data] height, width, fit). Measures against different truth are not "
            "comparable: run again on the same masks, derived in the same way"
        )
    kept = [[cases[id] for id in same] for cases in by_id]
    return Shared(kept, [id for id in common if id not in set(same)], [len(cases) - len(same) for cases in runs])


def refuse_other_rules(letters: Sequence[str], metrics: Sequence[Mapping[str, Any]]) -> None:
    """Raises UsageError: the runs have different classes, or were measured by different rules."""
    classes = [", ".join(found["classes"]) for found in metrics]
    if len(set(classes)) > 1:
        raise UsageError(
            f"the runs tell different classes apart ({_each(letters, classes)}): their measures are of different "
            "things, and cannot be compared. Compare runs with the same [data] classes"
        )
    for rule in ("empty_masks", "surface_tolerance"):
        values = [found[rule] for found in metrics]
        if len(set(values)) > 1:
            raise UsageError(
                f"[evaluation] {rule} differs ({_each(letters, values)}): the runs were measured by different rules. "
                f"Start them again with the same one (--set evaluation.{rule}=...): no training runs again for it"
            )


def compared(
    cases: Sequence[Sequence[Case]], letters: Sequence[str], measures: Mapping[str, Measure], classes: Sequence[str]
) -> dict[str, Any]:
    """Of each measure what each run has, by letter, as `summary`; `change` are the differences to the first, paired by
    case, as `summary_of_changes`, with a `verdict`. `classes` has each class, where there are several."""
    of_classes = classes if len(classes) > 1 else []
    return {
        "measures": {name: measure.described() for name, measure in measures.items()},
        "means": {name: _rows(cases, letters, measure, classes) for name, measure in measures.items()},
        "classes": {
            each: {
                name: _rows(cases, letters, measure, [each]) for name, measure in measures.items() if name in MEASURES
            }
            for each in of_classes
        },
    }


def _rows(
    cases: Sequence[Sequence[Case]], letters: Sequence[str], measure: Measure, classes: Sequence[str]
) -> dict[str, Any]:
    first, *others = cases
    rows = {letter: summary(own, measure, classes) for letter, own in zip(letters, cases, strict=True)}
    for letter, own in zip(letters[1:], others, strict=True):
        change = summary_of_changes(own, first, measure, classes)
        rows[letter]["change"] = {**change, "verdict": verdict(change["ci95"], measure)}
    return rows


def verdict(ci95: Sequence[float] | None, measure: Measure) -> Verdict | None:
    """What an interval of changes says; None where there is none."""
    if ci95 is None:
        return None
    low, high = ci95 if measure.higher_is_better else (-ci95[1], -ci95[0])
    return "better" if low > 0 else "worse" if high < 0 else "not told apart"


def differences(tables: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The keys, `section.key` of tables within, whose values differ, with that of each table; None: it has none."""
    flat = [dict(_flat(table)) for table in tables]
    keys = dict.fromkeys(key for table in flat for key in table)
    found = {key: [table.get(key) for table in flat] for key in keys}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def known_differences(tables: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """As `differences`, without those of which all that is known is the same."""
    return {
        key: values
        for key, values in differences(tables).items()
        if len({repr(value) for value in values if value is not None}) > 1
    }


def chosen_cases(cases: Sequence[Sequence[Case]], measure: Measure) -> list[tuple[str, int]]:
    """Which of the shared cases are shown, as titles and places: where runs disagree most, then by the mean over runs
    the worst, the median and the best, and the largest false alarm; each once, of equals that with the smaller id."""
    ids = [case.id for case in cases[0]]
    values = np.array([[case.value(measure.name) for case in own] for own in cases])
    scored = sorted(np.flatnonzero(~np.isnan(values).any(axis=0)).tolist(), key=lambda place: ids[place])
    spread = np.ptp(values, axis=0)
    mean = values.mean(axis=0) * (1 if measure.higher_is_better else -1)
    apart = sorted((place for place in scored if spread[place] > 0), key=lambda place: -spread[place])
    order = sorted(scored, key=lambda place: mean[place])
    ranks = {"worst of all runs": 0, "median": (len(order) - 1) // 2, "best of all runs": -1} if order else {}
    alarms = [place for place in range(len(ids)) if any(own[place].is_false_alarm for own in cases)]
    alarms.sort(key=lambda place: -max(own[place].predicted_pixels for own in cases))
    titles: dict[int, list[str]] = {}
    for title, place in [
        *(("runs disagree most", place) for place in apart[:_DISAGREEMENTS]),
        *((title, order[rank]) for title, rank in ranks.items()),
        *(("nothing there, yet predicted", place) for place in alarms[:1]),
    ]:
        titles.setdefault(place, []).append(title)
    return [(", ".join(found), place) for place, found in titles.items()]


def _flat(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _each(letters: Sequence[str], values: Sequence[str]) -> str:
    return "; ".join(f"{letter}: {value}" for letter, value in zip(letters, values, strict=True))


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _counts(numbers: Iterable[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}"
