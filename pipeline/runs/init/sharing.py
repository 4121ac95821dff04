"""How groups are shared out: folds where there are few, and a test split of enough."""

from __future__ import annotations

from collections.abc import Sequence

from components.example_gen.listing import list_grouped
from components.records.splits import SPLITS, TEST, VALIDATION
from pipeline.runs.init.understanding import Row, Understanding
from pipeline.runs.plan.folds import LEAST_IN_SPLIT, folds_for

_TESTED, _VALIDATED = 15, 15
"""Per cent of the groups."""


def share_out(found: Understanding, overrides: Sequence[str]) -> None:
    """Folds where there are few groups, and a test split of enough."""
    listing, _ = list_grouped(found.root, found.config(overrides).records)
    split_of = {sample.group: sample.split for sample in listing.samples}
    groups, prescribed = len(split_of), {*split_of.values()} - {""}
    if groups < LEAST_IN_SPLIT * len(SPLITS):
        found.rows.append(Row("too few", f"{groups} groups", f"each split needs {LEAST_IN_SPLIT}: a run will refuse"))
        return
    share = max(_TESTED, -(-100 * LEAST_IN_SPLIT // groups))
    if share > _TESTED and not prescribed and "splits" not in found.data:
        why = f"of {groups} groups at least {LEAST_IN_SPLIT} are tested on"
        found.data["splits"] = {"train": 100 - _VALIDATED - share, "eval": _VALIDATED, "test": share}
        found.rows.append(Row("splits", f"{share} % tested on", why))
    tested = [*split_of.values()].count(TEST) if prescribed else -(-groups * share // 100)
    k = folds_for(groups, tested)
    if k and VALIDATION not in prescribed and "folds" not in found.sections:
        why = f"{groups} groups are few: {k} models, each validated on another part, tell more than one"
        found.sections["folds"] = ({"k": k}, why)
        found.rows.append(Row("folds", str(k), why))
