"""The splits, and the strategies that give each group one of them.

Each split gets its exact share of the groups, and of each kind of group, in the order of their hashes: neither few
groups nor bad luck leave a split empty or uneven.

Where data are added, what was tested on has to stay in the test split, and what was learnt must never come there. No
rule without memory does both: if the test split T(S) depends on the set S of groups alone, only grows with it, and is
never empty for m groups or more, then every m groups of S' have one in T(S'), and fewer than m of them are ever free
for training. So the champion is the memory, by its split report: see `Memory`.

Where data arrive in spans, their order is a memory of its own. What holds without any champion, as long as no span is
taken away and `[data.splits]` is not changed (else for champions alone, one after another): a group in the test split
of a run was in neither train nor eval of any earlier run, whatever the windows of the two.

- Of the groups that a span brings for the first time, as many are drawn as the share of all groups so far lacks. Later
  spans change nothing of that, so the test split of all spans, which only grows, is one test set.
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
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from components.errors import UsageError
from components.records.split_settings import Splits

VALIDATION = "eval"
OUT_OF_FOLD = "out-of-fold"
"""Stands for all folds where a split is named."""
TEST = "test"
SPLITS = ("train", VALIDATION, TEST)
"""What a source may prescribe, and the splits of a run without folds."""


def splits_of(folds: int | None) -> tuple[str, ...]:
    """The splits of a run that cuts what is not test into so many folds; None: into train and eval."""
    return SPLITS if folds is None else (*(fold_split(number) for number in range(1, folds + 1)), TEST)


def fold_split(number: int) -> str:
    """The split that is a fold; they count from 1."""
    return f"fold-{number}"


def training_split(number: int) -> str:
    """What is learnt from a fold by the models of all others: its records and their augmented copies."""
    return f"{fold_split(number)}-training"


@dataclass(frozen=True)
class Member:
    """A sample as the strategies know it: a member of a group."""

    group: str
    site: str = ""
    stratum: str = ""
    """What is spread evenly over the splits. That of a group is the set of those of its members."""
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
    """It, or a model before it, was trained or validated on them. They are never drawn into the test split: it, and any
    model that starts from its weights, would be tested on what it knows."""


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
    members: Sequence[Member],
    splits: Splits,
    held_out: Collection[str] | None = None,
    window: int = 0,
    folds: int | None = None,
) -> list[str]:
    """The split of each member by the section `[data.splits]`, whatever the order of the members.

    A prescribed split is kept, even where it tears a group apart: the data gate finds that leak and names it. Members
    without one follow their group where a member of it has one (of several: the most held out). All other groups are
    drawn, and none of them is torn apart. Where the source puts all into train and test, eval is drawn from train.
    With folds, what is prescribed for train and eval goes into these.

    Args:
        members: all there are, those of older spans among them.
        splits: the section.
        held_out: the groups that are drawn into the test split, as `recall` returns them; None: the draw decides.
        window: of how many spans, the newest, train and eval are made; 0 for all. What is older, and not in test, has
            no part in the shares of the two, and gets the first split.
        folds: into how many what is not test is cut, alike in size and strata; None: into train and eval.

    Raises:
        UsageError: no such test group or site, a test list that contradicts what the source prescribes, a group that
            earlier spans gave to training.
    """
    prescribed = sorted((member for member in members if member.split), key=lambda member: SPLITS.index(member.split))
    by_group = {member.group: member.split for member in prescribed}
    listed = _listed(members, splits)
    _refuse_contradictions(prescribed, listed, splits)
    drawn = _drawn(_pool(members, listed), splits)
    if listed is None:
        _refuse_late_tests(members, drawn)
    test = {*(listed or ()), *(drawn if held_out is None else held_out)}
    free = [member for member in members if member.group not in by_group]
    by_group |= {member.group: TEST for member in free if member.group in test}
    if folds is not None:
        in_test = [(member.split or by_group.get(member.group)) == TEST for member in members]
        return _in_folds(members, in_test, splits, window, folds)
    rest = [member for member in free if member.group not in test and not _is_older(member, window)]
    if _lacks_validation(members):
        # Groups that are tested on as well are a leak, which the data gate names.
        learnt = [member for member in members if member.split == "train" and by_group[member.group] == "train"]
        rest += [replace(member, split="") for member in learnt if not _is_older(member, window)]
    validated = _evaluated(rest, splits)
    by_group |= dict.fromkeys(validated, VALIDATION)
    return [_own(member, validated) or by_group.get(member.group, "train") for member in members]


def _lacks_validation(members: Iterable[Member]) -> bool:
    """Whether the source puts all into two splits, of which none is for validation."""
    return {member.split for member in members} == {"train", TEST}


def _own(member: Member, validated: Set[str]) -> str:
    """What the source prescribes, unless the group is drawn for validation."""
    return VALIDATION if member.split == "train" and member.group in validated else member.split


def _in_folds(members: Sequence[Member], in_test: Sequence[bool], splits: Splits, window: int, folds: int) -> list[str]:
    """The split of each member: test, or the fold of its group."""
    rest = [replace(member, split="") for member, tested in zip(members, in_test, strict=True) if not tested]
    dealt = _dealt((member for member in rest if not _is_older(member, window)), splits, folds)
    pairs = zip(members, in_test, strict=True)
    return [TEST if tested else dealt.get(member.group, fold_split(1)) for member, tested in pairs]


def _is_older(member: Member, window: int) -> bool:
    return bool(window and (member.age or 0) >= window)


def recall(members: Sequence[Member], splits: Splits, memory: Memory) -> list[str] | None:
    """The groups, sorted, that are drawn into the test split with the memory; None where they are so without it.

    A list of test groups, a site and prescribed splits stay what they say: it is the rest that is drawn.

    Raises:
        UsageError: no such test group or site.
    """
    pool = _pool(members, _listed(members, splits))
    free = {member.group for member in pool} - {member.group for member in members if member.split}
    forgetful, remembering = (_drawn(pool, splits, known) & free for known in (Memory(), memory))
    return None if remembering == forgetful else sorted(remembering)


def _listed(members: Sequence[Member], splits: Splits) -> set[str] | None:
    """The groups that the config names for the test split; None where it names none."""
    groups = {member.group for member in members}
    if splits.test_groups:
        found = {name: _matching(name, groups) for name in splits.test_groups}
        missing = [name for name, matches in found.items() if not matches]
        if missing:
            raise UsageError(f"[data.splits] test_groups: no group is named {missing[0]!r}. {_some('Groups', groups)}")
        return set().union(*found.values())
    if splits.test_site:
        of_site = {member.group for member in members if member.site == splits.test_site}
        if not of_site:
            sites = _some("Sites", {member.site for member in members if member.site})
            raise UsageError(
                f"[data.splits] test_site: no image is of site {splits.test_site!r}. {sites}. "
                "Sites come from [data] site_pattern or from a manifest."
            )
        return of_site
    return None


def _pool(members: Sequence[Member], listed: Set[str] | None) -> Sequence[Member]:
    """Of whose groups the test split is drawn: all, or beside a list those that the newest span brings first."""
    if listed is None:
        return members
    known = listed | {member.group for member in members if member.age != 0}
    return [member for member in members if member.group not in known]


def _drawn(pool: Iterable[Member], splits: Splits, memory: Memory = Memory()) -> set[str]:
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


def _arrivals(members: Iterable[Member]) -> Iterator[tuple[int, Mapping[str, str], set[str]]]:
    """Span by span, oldest first: its age, the strata of the groups so far, and of these those that it brings first.

    Groups for which a split has been prescribed so far are not among them. Nothing is known of later spans.
    """
    spans: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        spans[member.age or 0].append(member)
    known: dict[str, set[str]] = defaultdict(set)
    prescribed: set[str] = set()
    strata: dict[str, str] = {}
    for age in range(max(spans, default=0), -1, -1):
        brought = {member.group for member in spans[age]}
        new = brought - known.keys()
        prescribed |= {member.group for member in spans[age] if member.split}
        for member in spans[age]:
            known[member.group].add(member.stratum)
        strata |= {group: str(sorted(known[group])) for group in brought}
        for group in brought & prescribed:
            del strata[group]
        yield age, strata, new - prescribed


def _filled(share: _Share, strata: Mapping[str, str], kept: Set[str], new: Set[str], salt: str) -> set[str]:
    """The new groups that fill up a split, in which some are kept: of a stratum those with the lowest hashes.

    Each stratum has the whole groups of its exact share. For what is left, less than a group each, the strata draw
    lots, so that kinds of which there are few patients have their chance, too. So each stratum's part differs from its
    exact share by less than one group, but for what is kept, and where rounding would leave a split empty. Repeated
    with some of the drawn ones kept, a draw comes to the same groups.

    Args:
        strata: of all groups that the split has a share of.
    """
    sizes, kept = Counter(strata.values()), kept & strata.keys()
    turns = Counter(strata[group] for group in kept)
    rank: dict[str, tuple[int, float]] = {}
    for group in sorted(new - kept, key=lambda group: _digest(group, salt)):
        stratum = strata[group]
        lacking = sizes[stratum] * share.part / share.whole - turns[stratum]
        rank[group] = _rank(lacking, _digest(stratum, salt))
        turns[stratum] += 1
    # Of like ones the first stays first, which is that of the lower hash.
    return set(sorted(rank, key=rank.__getitem__)[: max(0, share.of(len(strata)) - len(kept))])


def _rank(lacking: float, digest: bytes) -> tuple[int, float]:
    """Where the next group of a stratum stands in the queue, by what the stratum lacks of its exact share, in groups.

    For parts of a group the chances are as these parts (Efraimidis and Spirakis 2006: the greatest u ** (1 / part)).
    """
    if lacking >= 1:
        return 0, -lacking
    if lacking > 0:
        even = (int.from_bytes(digest[:7], "big") + 1) / 2**56
        return 1, -(even ** (1 / lacking))
    return 2, -lacking


def _dealt(members: Iterable[Member], splits: Splits, folds: int) -> dict[str, str]:
    """The fold of each group of members for which no split is prescribed."""
    *_, (_, strata, _) = _arrivals(members)
    order = sorted(strata, key=lambda group: (strata[group], _digest(group, splits.salt)))
    return {group: fold_split(1 + turn % folds) for turn, group in enumerate(order)}


def _evaluated(members: Iterable[Member], splits: Splits) -> set[str]:
    """The eval split of members for which no split is prescribed."""
    *_, (_, strata, _) = _arrivals(members)
    share = _Share(splits.eval, splits.train + splits.eval, others=1)
    return _filled(share, strata, set(), set(strata), splits.salt)


def _refuse_contradictions(prescribed: Iterable[Member], listed: set[str] | None, splits: Splits) -> None:
    """What the config sets must be so, and so must what the source prescribes; else one would be silently ignored."""
    for member in prescribed:
        place = f"the source puts group {member.group!r} into {member.split}"
        if listed is not None and (member.split == "test") != (member.group in listed):
            key = "test_groups" if splits.test_groups else "test_site"
            raise UsageError(f"[data.splits] {key}: {place}, which contradicts it. Change one of the two.")


def _refuse_late_tests(members: Sequence[Member], drawn: Set[str]) -> None:
    """A model may have been trained on a group before a newer span prescribes the test split for it."""
    since: dict[str, int] = {}
    for member in members:
        if member.split == "test":
            since[member.group] = max(member.age or 0, since.get(member.group, 0))
    for member in members:
        came_before = (member.age or 0) > since.get(member.group, math.inf)
        was_in_test = member.split == "test" if member.split else member.group in drawn
        if came_before and not was_in_test:
            raise UsageError(
                f"[data] spans: the source puts group {member.group!r} into test, but an earlier span gave it to "
                "training, so models have seen it. Take its newer images out of test, or prescribe test in that span."
            )


def _matching(name: str, groups: Iterable[str]) -> set[str]:
    return {group for group in groups if group == name or fnmatchcase(group, name)}


def _some(what: str, names: Iterable[str]) -> str:
    names = sorted(names)
    return f"{what}: {', '.join(names[:10]) or 'none'}{', …' if len(names) > 10 else ''}"


def _digest(name: str, salt: str) -> bytes:
    return hashlib.sha256(f"{salt}/{name}".encode()).digest()
