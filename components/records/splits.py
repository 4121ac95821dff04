"""The splits, and the strategies that give each group one of them.

Each split gets its exact share of the groups, and of each kind of group, in the order of their hashes: neither few
groups nor bad luck leave a split empty or uneven.

Where data are added, what was tested on has to stay in the test split, and what was learnt must never come there. No
rule without memory does both: if the test split T(S) depends on the set S of groups alone, only grows with it, and is
never empty for m groups or more, then every m groups of S' have one in T(S'), and fewer than m of them are ever free
for training. So the champion is the memory, by its split report: see `Memory`.

Where data arrive in spans, their order is a memory of its own. What holds without any champion, as long as no span is
taken away and `[data.splits]` is not changed: a group in the test split of a run was in neither train nor eval of any
earlier run, whatever the windows of the two.

- Of the groups that a span brings for the first time so many are drawn as all groups that have come so far lack. Later
  spans change nothing of it, so the test split of all spans, which only grows, is one test set.
- With a list of test groups, those are the test split that stays. The newest span's own share joins them: of the
  groups that it brings for the first time. A group that an earlier span brought is not drawn, since an earlier model
  may have been trained on it; and the share of a span that is no longer the newest may be trained on.
- A split that the source prescribes must not come too late: a group that an earlier span gave to training cannot be
  put into test by a later one.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase

from components.errors import UsageError
from components.records.settings import Splits

SPLITS = ("train", "eval", "test")


@dataclass(frozen=True)
class Case:
    """What the strategies know of a sample."""

    group: str
    site: str = ""
    stratum: str = ""
    """What is spread evenly over the splits. That of a group is the set of those of its cases."""
    split: str = ""
    """The split, one of `SPLITS`, that the source prescribes; empty: the strategy decides."""
    age: int | None = None
    """How many spans came after its own, 0 for the newest; None where there are no spans."""


@dataclass(frozen=True)
class Memory:
    """The groups that a champion knows."""

    tested: Set[str] = frozenset()
    """They stay in the test split, be they more than its share."""
    learnt: Set[str] = frozenset()
    """In train or eval. They are never drawn into the test split: the champion, and any model that starts from its
    weights, would be tested on what it knows."""


@dataclass(frozen=True)
class _Share:
    """`part` of the `whole` that a split has in common with `others` more splits."""

    part: int
    whole: int
    others: int

    def of(self, groups: int) -> int:
        """How many of some groups: rounded half up, but no split goes empty where there are groups for all."""
        rounded = (2 * groups * self.part + self.whole) // (2 * self.whole)
        return min(max(rounded, 1), groups - self.others) if groups > self.others else rounded


def assign_splits(
    cases: Sequence[Case], splits: Splits, held_out: Collection[str] | None = None, window: int = 0
) -> list[str]:
    """The split of each case by the section `[data.splits]`, whatever the order of the cases.

    A prescribed split is kept, even where it tears a group apart: the data gate finds that leak and names it. Cases
    without one follow their group where a case of it has one (of several: the most held out). All other groups are
    drawn, and none of them is torn apart.

    Args:
        cases: all there are, those of older spans among them.
        splits: the section.
        held_out: the groups that are drawn into the test split, as `recall` returns them; None: the draw decides.
        window: of how many spans, the newest, train and eval are made; 0 for all. What is older, and not in test, has
            no part in the shares of the two, and gets `train`.

    Raises:
        UsageError: no such test group or site, a test list or folds that contradict what the source prescribes,
            a group that earlier spans gave to training.
    """
    prescribed = sorted((case for case in cases if case.split), key=lambda case: SPLITS.index(case.split))
    by_group = {case.group: case.split for case in prescribed}
    listed = _listed(cases, splits)
    _refuse_contradictions(prescribed, listed, splits)
    drawn = _drawn(_pool(cases, listed), splits)
    if listed is None:
        _refuse_late_tests(cases, drawn)
    test = {*(listed or ()), *(drawn if held_out is None else held_out)}
    free = [case for case in cases if case.group not in by_group]
    rest = [case for case in free if case.group not in test and not (window and (case.age or 0) >= window)]
    evaluated = _evaluated(rest, splits)
    for case in free:
        by_group[case.group] = "test" if case.group in test else "eval" if case.group in evaluated else "train"
    return [case.split or by_group[case.group] for case in cases]


def recall(cases: Sequence[Case], splits: Splits, memory: Memory) -> list[str] | None:
    """The groups, sorted, that are drawn into the test split with the memory; None where they are so without it.

    A list of test groups, a site and prescribed splits stay what they say: of the rest alone anything is drawn.

    Raises:
        UsageError: no such test group or site.
    """
    pool = _pool(cases, _listed(cases, splits))
    free = {case.group for case in pool} - {case.group for case in cases if case.split}
    forgetful, remembering = (_drawn(pool, splits, known) & free for known in (Memory(), memory))
    return None if remembering == forgetful else sorted(remembering)


def _listed(cases: Sequence[Case], splits: Splits) -> set[str] | None:
    """The groups that the config names for the test split; None where it names none."""
    groups = {case.group for case in cases}
    if splits.test_groups:
        found = {name: _matching(name, groups) for name in splits.test_groups}
        missing = [name for name, matches in found.items() if not matches]
        if missing:
            raise UsageError(f"[data.splits] test_groups: no group is named {missing[0]!r}. {_some('Groups', groups)}")
        return set().union(*found.values())
    if splits.test_site:
        of_site = {case.group for case in cases if case.site == splits.test_site}
        if not of_site:
            sites = _some("Sites", {case.site for case in cases if case.site})
            raise UsageError(
                f"[data.splits] test_site: no image is of site {splits.test_site!r}. {sites}. "
                "Sites come from [data] site_pattern or from a manifest."
            )
        return of_site
    return None


def _pool(cases: Sequence[Case], listed: Set[str] | None) -> Sequence[Case]:
    """Of whose groups the test split is drawn: all, or beside a list those that the newest span brings first."""
    if listed is None:
        return cases
    known = listed | {case.group for case in cases if case.age != 0}
    return [case for case in cases if case.group not in known]


def _drawn(pool: Iterable[Case], splits: Splits, memory: Memory = Memory()) -> set[str]:
    """The groups that were ever drawn into the test split, those now prescribed among them.

    What was drawn of earlier spans must be the same in every run, so the champion of now has a say in the last draw
    alone.
    """
    share = _Share(splits.test, splits.train + splits.eval + splits.test, others=2)
    drawn: set[str] = set()
    for age, strata, new in _arrivals(pool):
        if age == 0:
            drawn, new = (drawn | memory.tested) - memory.learnt, new - memory.learnt
        drawn |= _filled(share, strata, drawn, new, splits.salt)
    return drawn


def _arrivals(cases: Iterable[Case]) -> Iterator[tuple[int, Mapping[str, str], set[str]]]:
    """Span by span, oldest first: its age, the strata of the groups so far, and of these those that it brings first.

    Groups for which a split has been prescribed so far are not among them. Nothing is known of later spans.
    """
    spans: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        spans[case.age or 0].append(case)
    known: dict[str, set[str]] = defaultdict(set)
    prescribed: set[str] = set()
    strata: dict[str, str] = {}
    for age in range(max(spans, default=0), -1, -1):
        brought = {case.group for case in spans[age]}
        new = brought - known.keys()
        prescribed |= {case.group for case in spans[age] if case.split}
        for case in spans[age]:
            known[case.group].add(case.stratum)
        strata |= {group: str(sorted(known[group])) for group in brought}
        for group in brought & prescribed:
            del strata[group]
        yield age, strata, new - prescribed


def _filled(share: _Share, strata: Mapping[str, str], kept: Set[str], new: Set[str], salt: str) -> set[str]:
    """The new groups that fill up a split, in which some are kept.

    One by one the stratum whose share lacks most gives the group with the lowest hash. So each stratum's part differs
    from its exact share by less than one group, but for what is kept, and where rounding would leave a split empty.
    Repeated with some of the drawn ones kept, a draw comes to the same groups.

    Args:
        strata: of all groups that the split has a share of.
    """
    sizes, kept = Counter(strata.values()), kept & strata.keys()
    turns = Counter(strata[group] for group in kept)
    surplus: dict[str, int] = {}
    for group in sorted(new - kept, key=lambda group: _digest(group, salt)):
        stratum = strata[group]
        surplus[group] = turns[stratum] * share.whole - sizes[stratum] * share.part
        turns[stratum] += 1
    # Of like ones the first stays first, which is that of the lower hash.
    return set(sorted(surplus, key=surplus.__getitem__)[: max(0, share.of(len(strata)) - len(kept))])


def _evaluated(cases: Iterable[Case], splits: Splits) -> set[str]:
    """The eval split of cases for which no split is prescribed."""
    *_, (_, strata, _) = _arrivals(cases)
    if splits.folds:
        dealt = sorted(strata, key=lambda group: (strata[group], _digest(group, splits.salt)))
        return set(dealt[splits.fold :: splits.folds])
    share = _Share(splits.eval, splits.train + splits.eval, others=1)
    return _filled(share, strata, set(), set(strata), splits.salt)


def _refuse_contradictions(prescribed: Iterable[Case], listed: set[str] | None, splits: Splits) -> None:
    """What the config sets must be so, and so must what the source prescribes; else one would be silently ignored."""
    for case in prescribed:
        place = f"the source puts group {case.group!r} into {case.split}"
        if listed is not None and (case.split == "test") != (case.group in listed):
            key = "test_groups" if splits.test_groups else "test_site"
            raise UsageError(f"[data.splits] {key}: {place}, which contradicts it. Change one of the two.")
        if splits.folds and case.split != "test":
            raise UsageError(
                f"[data.splits] folds: {place}, but the folds cut anew all that is not test. "
                "Remove folds, or let the source prescribe the test split alone."
            )


def _refuse_late_tests(cases: Sequence[Case], drawn: Set[str]) -> None:
    """A model may have been trained on a group before a newer span prescribes the test split for it."""
    since: dict[str, int] = {}
    for case in cases:
        if case.split == "test":
            since[case.group] = max(case.age or 0, since.get(case.group, 0))
    for case in cases:
        came_before = (case.age or 0) > since.get(case.group, math.inf)
        was_in_test = case.split == "test" if case.split else case.group in drawn
        if came_before and not was_in_test:
            raise UsageError(
                f"[data] spans: the source puts group {case.group!r} into test, but an earlier span gave it to "
                "training, so models have seen it. Take its newer images out of test, or prescribe test in that span."
            )


def _matching(name: str, groups: Iterable[str]) -> set[str]:
    return {group for group in groups if group == name or fnmatchcase(group, name)}


def _some(what: str, names: Iterable[str]) -> str:
    names = sorted(names)
    return f"{what}: {', '.join(names[:10]) or 'none'}{', …' if len(names) > 10 else ''}"


def _digest(name: str, salt: str) -> bytes:
    return hashlib.sha256(f"{salt}/{name}".encode()).digest()
