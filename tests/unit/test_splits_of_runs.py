"""Data are added and taken away between runs, and some of these are pushed: what the champion knows counts."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from components.records.split_settings import Splits
from components.records.splits import SPLITS, Member, Memory, assign_splits, recall

POOL = {f"p{number}": "ab"[number % 3 == 0] for number in range(40)}
"""Groups with their strata."""


@dataclass(frozen=True)
class Run:
    """One run: the groups that are there, and whether its model is pushed."""

    groups: Set[str]
    pushed: bool


@dataclass
class Pipeline:
    """Runs one after another; `unusable` groups are listed, but none of their images becomes a record."""

    splits: Splits
    unusable: Set[str] = frozenset()
    champion: dict[str, str] = field(default_factory=dict)
    """The split of each group, by the split report of the served version."""

    @property
    def memory(self) -> Memory:
        tested = {group for group, split in self.champion.items() if split == "test"}
        return Memory(tested, self.champion.keys() - tested)

    def held_out(self, run: Run) -> list[str] | None:
        return recall([Member(group, stratum=POOL[group]) for group in run.groups], self.splits, self.memory)

    def start(self, run: Run) -> dict[str, str]:
        """The split of each group."""
        members = [Member(group, stratum=POOL[group]) for group in run.groups]
        found = dict(zip(run.groups, assign_splits(members, self.splits, self.held_out(run)), strict=True))
        if run.pushed:
            self.champion = {group: split for group, split in found.items() if group not in self.unusable}
        return found


def quota(groups: int, splits: Splits) -> int:
    total = splits.train + splits.eval + splits.test
    rounded = (2 * groups * splits.test + total) // (2 * total)
    return min(max(rounded, 1), groups - 2) if groups > 2 else rounded


SOME = st.sets(st.sampled_from(sorted(POOL)), min_size=3)
HISTORIES = st.lists(st.builds(Run, SOME, st.booleans()), min_size=1, max_size=6)
SHARES = st.builds(Splits, train=st.integers(1, 9), eval=st.integers(1, 9), test=st.integers(1, 9))


@settings(max_examples=300)
@given(SHARES, HISTORIES)
def test_what_the_champion_was_tested_on_stays_and_what_it_learnt_does_not_come(
    splits: Splits, history: Sequence[Run]
) -> None:
    pipeline = Pipeline(splits)
    for run in history:
        known = pipeline.memory
        found = pipeline.start(run)
        tested = {group for group, split in found.items() if split == "test"}
        assert not tested & known.learnt
        assert known.tested & run.groups <= tested
        kept, new = known.tested & run.groups, run.groups - known.tested - known.learnt
        assert len(tested) == len(kept) + min(len(new), max(0, quota(len(run.groups), splits) - len(kept)))


@settings(max_examples=300)
@given(SHARES, HISTORIES, SOME)
def test_a_push_changes_nothing_for_the_same_data(splits: Splits, history: Sequence[Run], unusable: Set[str]) -> None:
    """So a run that follows it reuses what was read: also where images of the test split could not be used."""
    pipeline = Pipeline(splits, unusable)
    for run in history:
        before = pipeline.held_out(run)
        pipeline.start(Run(run.groups, pushed=True))
        assert pipeline.held_out(run) == before
    assert Pipeline(splits, unusable).held_out(history[0]) is None


def test_worked_growth() -> None:
    """Of ten groups two are test, of twenty three, of forty six; the first two stay."""
    pipeline = Pipeline(Splits())
    names = list(POOL)
    sizes, first = [], set()
    for count in (10, 20, 40):
        found = pipeline.start(Run(set(names[:count]), pushed=True))
        sizes.append(tuple(list(found.values()).count(split) for split in SPLITS))
        first = first or {group for group, split in found.items() if split == "test"}
        assert {found[group] for group in first} == {"test"}
    assert sizes == [(7, 1, 2), (14, 3, 3), (28, 6, 6)]


def test_new_groups_fill_up_the_strata_that_lack() -> None:
    """The champion was tested on none of stratum b: 8 of 40 are a fifth, of 26 and 14 as much as 5.2 and 2.8."""
    pipeline = Pipeline(Splits(train=60, eval=20, test=20))
    pipeline.champion = {"p1": "test", "p2": "test", "p4": "test", "p5": "train"}
    found = pipeline.start(Run(POOL.keys(), pushed=False))
    tested = [POOL[group] for group, split in found.items() if split == "test"]
    assert (tested.count("a"), tested.count("b")) == (5, 3)


def test_more_than_the_share_stays() -> None:
    pipeline = Pipeline(Splits())
    pipeline.champion = {f"p{number}": "test" for number in range(9)}
    found = pipeline.start(Run(POOL.keys(), pushed=False))
    assert {group for group, split in found.items() if split == "test"} == pipeline.champion.keys()


def test_where_the_champion_has_learnt_all_nothing_is_tested() -> None:
    """And the gate says that the test split is empty."""
    pipeline = Pipeline(Splits())
    pipeline.champion = dict.fromkeys(POOL, "train") | {"gone": "test"}
    run = Run(POOL.keys(), pushed=False)
    assert pipeline.held_out(run) == []
    assert "test" not in pipeline.start(run).values()
