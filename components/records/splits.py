"""The splits, and the strategies that give each group one of them.

Where data arrive in spans, retraining must never test a model on a patient that it, or a model before it, was trained
on. What holds, as long as no span is taken away and `[data.splits]` is not changed: a group in the test split of a run
was in neither train nor eval of any earlier run, whatever the windows of the two.

- Drawn by hash, a group has its split for ever, so the test split of all spans, which only grows, is one test set.
- With a list of test groups, those are the test split that stays. The newest span's own share joins them: of the
  groups that it brings for the first time, those that the hash draws. A group that an earlier span brought is not
  drawn, since an earlier model may have been trained on it; and the share of a span that is no longer the newest may
  be trained on.
- A split that the source prescribes must not come too late: a group that an earlier span gave to training cannot be
  put into test by a later one.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from components.errors import UsageError

SPLITS = ("train", "eval", "test")


@dataclass(frozen=True)
class Member:
    """A sample as the strategies know it: a member of a group."""

    group: str
    site: str = ""
    stratum: str = ""
    """What `stratify` spreads evenly; empty: not known."""
    split: str = ""
    """The split, one of `SPLITS`, that the source prescribes; empty: the strategy decides."""
    age: int | None = None
    """How many spans came after its own, 0 for the newest; None where there are no spans."""


def split_of(group: str, splits: Mapping[str, Any]) -> str:
    """The split of a group: SHA-256 of salt and group modulo the shares.

    It depends on nothing else, so a group stays where it is when data are added.
    """
    bucket = int.from_bytes(_digest(group, splits)[:8], "big") % sum(splits[name] for name in SPLITS)
    for name in SPLITS:
        bucket -= splits[name]
        if bucket < 0:
            return name
    raise AssertionError("the shares cover every bucket")


def assign_splits(members: Sequence[Member], splits: Mapping[str, Any]) -> list[str]:
    """The split of each member by the section `[data.splits]`, whatever the order of the members.

    A prescribed split is kept, even where it tears a group apart: the data gate finds that leak and names it. Members
    without one follow their group where a member of it has one (of several: the most held out). All other groups are
    drawn, and none of them is torn apart.

    Raises:
        UsageError: no such test group or site, a test list or folds that contradict what the source prescribes,
            a group that earlier spans gave to training, `stratify` without labels or with too few groups.
    """
    prescribed = sorted((member for member in members if member.split), key=lambda member: SPLITS.index(member.split))
    by_group = {member.group: member.split for member in prescribed}
    free = [member for member in members if member.group not in by_group]
    listed = _listed(members, splits)
    _refuse_contradictions(prescribed, listed, splits)
    if listed is None:
        _refuse_late_tests(members, splits)
        test = _drawn_test(free, splits)
    else:
        test = listed | _newcomers_drawn(free, splits)
    rest = [member for member in free if member.group not in test]
    evaluated = _drawn_eval(rest, splits if listed is None else {**splits, "test": 0})
    for member in free:
        by_group[member.group] = "test" if member.group in test else "eval" if member.group in evaluated else "train"
    return [member.split or by_group[member.group] for member in members]


def _listed(members: Sequence[Member], splits: Mapping[str, Any]) -> set[str] | None:
    """The groups that the config names for the test split; None where it names none."""
    groups = {member.group for member in members}
    if splits["test_groups"]:
        found = {name: _matching(name, groups) for name in splits["test_groups"]}
        missing = [name for name, matches in found.items() if not matches]
        if missing:
            raise UsageError(f"[data.splits] test_groups: no group is named {missing[0]!r}. {_some('Groups', groups)}")
        return set().union(*found.values())
    if splits["test_site"]:
        of_site = {member.group for member in members if member.site == splits["test_site"]}
        if not of_site:
            sites = _some("Sites", {member.site for member in members if member.site})
            raise UsageError(
                f"[data.splits] test_site: no image is of site {splits['test_site']!r}. {sites}. "
                "Sites come from [data] site_pattern or from a manifest."
            )
        return of_site
    return None


def _drawn_test(members: Sequence[Member], splits: Mapping[str, Any]) -> set[str]:
    if splits["stratify"]:
        return _stratified_fold(members, splits, round(sum(splits[name] for name in SPLITS) / splits["test"]), 0)
    return {member.group for member in members if split_of(member.group, splits) == "test"}


def _newcomers_drawn(members: Sequence[Member], splits: Mapping[str, Any]) -> set[str]:
    """The newest span's own share of the test split: of the groups that no earlier span brought, those drawn."""
    known = {member.group for member in members if member.age != 0}
    new = {member.group for member in members} - known
    return {group for group in new if split_of(group, splits) == "test"}


def _drawn_eval(members: Sequence[Member], splits: Mapping[str, Any]) -> set[str]:
    folds, fold = splits["folds"], splits["fold"]
    if splits["stratify"]:
        return _stratified_fold(members, splits, folds or round(1 + splits["train"] / splits["eval"]), fold)
    groups = {member.group for member in members}
    if folds:
        # Not the bytes that draw the test split: a fold may be just what those made the test split.
        return {group for group in groups if int.from_bytes(_digest(group, splits)[8:16], "big") % folds == fold}
    return {group for group in groups if split_of(group, splits) == "eval"}


def _stratified_fold(members: Sequence[Member], splits: Mapping[str, Any], folds: int, fold: int) -> set[str]:
    """The groups of one of `folds` folds that have like numbers of each stratum."""
    if not members:
        return set()
    unknown = [member.group for member in members if not member.stratum]
    if unknown:
        raise UsageError(
            f"[data.splits] stratify: an image of group {min(unknown)!r} has no label, and no drawn truth that would "
            "tell whether it has foreground. Give labels, as a manifest does, or set stratify = false."
        )
    strata = [member.stratum for member in members]
    groups = len({member.group for member in members})
    if min(groups, max(Counter(strata).values())) < folds:
        raise UsageError(
            f"[data.splits] stratify: {groups} groups cannot be cut into {folds} folds of like labels: "
            "add data, give larger shares or fewer folds, or set stratify = false."
        )
    # Half a second, that most runs need not spend.
    from sklearn.model_selection import StratifiedGroupKFold

    # Groups of like strata are dealt out in the order of these keys: that is how the salt draws. The `shuffle` of
    # scikit-learn 1.5 gives groups the counts of others, so it does not stratify.
    keys = [_digest(member.group, splits).hex() for member in members]
    with warnings.catch_warnings():
        # A label with fewer members than folds is in some of them: as even as can be.
        warnings.simplefilter("ignore", UserWarning)
        _, chosen = next(islice(StratifiedGroupKFold(folds).split(strata, strata, keys), fold, None))
    return {members[index].group for index in chosen}


def _refuse_contradictions(prescribed: Iterable[Member], listed: set[str] | None, splits: Mapping[str, Any]) -> None:
    """What the config sets must be so, and so must what the source prescribes; else one would be silently ignored."""
    for member in prescribed:
        place = f"the source puts group {member.group!r} into {member.split}"
        if listed is not None and (member.split == "test") != (member.group in listed):
            key = "test_groups" if splits["test_groups"] else "test_site"
            raise UsageError(f"[data.splits] {key}: {place}, which contradicts it. Change one of the two.")
        if splits["folds"] and member.split != "test":
            raise UsageError(
                f"[data.splits] folds: {place}, but the folds cut anew all that is not test. "
                "Remove folds, or let the source prescribe the test split alone."
            )


def _refuse_late_tests(members: Sequence[Member], splits: Mapping[str, Any]) -> None:
    """A model may have been trained on a group before a newer span prescribes the test split for it."""
    held_out: dict[str, int] = {}
    for member in members:
        if member.split == "test":
            held_out[member.group] = max(member.age or 0, held_out.get(member.group, 0))
    for member in members:
        came_before = (member.age or 0) > held_out.get(member.group, math.inf)
        if came_before and (member.split or split_of(member.group, splits)) != "test":
            raise UsageError(
                f"[data] spans: the source puts group {member.group!r} into test, but an earlier span gave it to "
                "training, so models have seen it. Take its newer images out of test, or prescribe test in that span."
            )


def _matching(name: str, groups: Iterable[str]) -> set[str]:
    return {group for group in groups if group == name or fnmatchcase(group, name)}


def _some(what: str, names: Iterable[str]) -> str:
    names = sorted(names)
    return f"{what}: {', '.join(names[:10]) or 'none'}{', …' if len(names) > 10 else ''}"


def _digest(group: str, splits: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(f"{splits['salt']}/{group}".encode()).digest()
