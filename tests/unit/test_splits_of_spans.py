"""No model is ever tested on a patient that it, or a model before it, was trained on, however the data arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import UsageError
from components.records.split_settings import Splits
from components.records.splits import SPLITS, Member, Memory, assign_splits, recall

PLAIN = Splits(train=2, eval=1, test=2)
GROUPS = [f"p{number}" for number in range(12)]

Image = tuple[str, str, str]
"""Group, stratum, and the split that the source prescribes."""
Span = Sequence[Image]


@dataclass(frozen=True)
class Made:
    """The groups of each split of a run, or None where it is refused."""

    splits: dict[str, set[str]] | None
    older: frozenset[str] = frozenset()
    """Groups that are left out, since their spans are older than the window."""

    @property
    def learnt(self) -> set[str]:
        return set().union(*(groups for split, groups in (self.splits or {}).items() if split != "test"))

    @property
    def tested(self) -> set[str]:
        return self.splits["test"] if self.splits else set()

    @property
    def memory(self) -> Memory:
        """What is known of the run once its model is served."""
        return Memory(self.tested, self.learnt | self.older)


def members_of(arrived: Sequence[Span]) -> list[Member]:
    return [
        Member(group, stratum=stratum, split=split, age=age)
        for age, span in enumerate(reversed(arrived))
        for group, stratum, split in span
    ]


def run(
    arrived: Sequence[Span], window: int, splits: Splits, memory: Memory | None = None, folds: int | None = None
) -> Made:
    """A run after some spans, as ingestion makes it: all test samples, of the others those of the window."""
    members = members_of(arrived)
    try:
        found = assign_splits(members, splits, recall(members, splits, memory) if memory else None, window, folds)
    except UsageError:
        return Made(None)
    made: dict[str, set[str]] = defaultdict(set)
    for member, split in zip(members, found, strict=True):
        assert member.age is not None
        if split == "test" or not window or member.age < window:
            made[split].add(member.group)
    torn = {group for one, other in combinations(made.values(), 2) for group in one & other}
    # The source alone can tear a group apart; the data gate stops such a run.
    assert not torn or {split for member in members if member.group in torn for split in [member.split]} - {""}
    older = {member.group for member in members}.difference(*made.values())
    return Made(None if torn else made, frozenset(older))


def runs(arriving: Sequence[Span], windows: Sequence[int], splits: Splits, folds: int | None = None) -> list[Made]:
    """One run after each span, each with a window of its own."""
    return [run(arriving[: count + 1], window, splits, folds=folds) for count, window in enumerate(windows)]


def arrivals(splits: Sequence[str]) -> st.SearchStrategy[list[tuple[list[Image], int]]]:
    """Spans in which patients come and come again, each with the window of the run that follows it."""
    image = st.tuples(st.sampled_from(GROUPS), st.sampled_from("ab"), st.sampled_from(splits))
    return st.lists(st.tuples(st.lists(image, min_size=1, max_size=8), st.integers(0, 3)), min_size=1, max_size=6)


def brought(arrived: Sequence[Span]) -> set[str]:
    return {group for span in arrived for group, _, _ in span}


def quota(groups: int) -> int:
    """Two fifths, rounded half up, at least one of three, and one each for train and eval."""
    rounded = (4 * groups + 5) // 10
    return min(max(rounded, 1), groups - 2) if groups > 2 else rounded


LISTS = st.sampled_from([[], ["p3"], ["p1*"]])
FOLDS = st.sampled_from([None, 3])


@given(arrivals([""]), LISTS, FOLDS)
def test_what_a_run_tests_on_no_earlier_run_has_learnt(
    arriving: list[tuple[list[Image], int]], listed: list[str], folds: int | None
) -> None:
    arriving[0][0].extend((group, "a", "") for group in ("p3", "p10"))
    made = runs(*zip(*arriving, strict=True), PLAIN.model_copy(update={"test_groups": listed}), folds)
    learnt: set[str] = set()
    for each in made:
        assert each.splits is not None
        learnt |= each.learnt
        assert not learnt & each.tested


@settings(max_examples=300)
@given(arrivals(["", "", "", "train", "eval", "test"]))
def test_nor_where_the_source_prescribes_splits(arriving: list[tuple[list[Image], int]]) -> None:
    learnt: set[str] = set()
    for made in runs(*zip(*arriving, strict=True), PLAIN):
        learnt |= made.learnt
        assert not learnt & made.tested


@given(arrivals([""]), FOLDS)
def test_the_drawn_test_set_only_grows_and_is_the_share_of_all_that_has_come(
    arriving: list[tuple[list[Image], int]], folds: int | None
) -> None:
    made = runs(*zip(*arriving, strict=True), PLAIN, folds)
    assert all(earlier.tested <= later.tested for earlier, later in pairwise(made))
    spans = [span for span, _ in arriving]
    before: set[str] = set()
    for count, each in enumerate(made, 1):
        new = brought(spans[:count]) - brought(spans[: count - 1])
        assert len(each.tested) == len(before) + min(len(new), max(0, quota(len(brought(spans[:count]))) - len(before)))
        assert each.tested - before <= new
        before = each.tested


@given(arrivals([""]))
def test_the_listed_groups_and_the_new_share_are_the_whole_test_split(
    arriving: list[tuple[list[Image], int]],
) -> None:
    arriving[0][0].append(("p3", "a", ""))
    spans = [span for span, _ in arriving]
    made = runs(*zip(*arriving, strict=True), PLAIN.model_copy(update={"test_groups": ["p3"]}))
    for count, each in enumerate(made):
        new = brought(spans[count : count + 1]) - brought(spans[:count]) - {"p3"}
        assert each.tested - {"p3"} <= new
        assert len(each.tested) == 1 + quota(len(new))


@given(arrivals([""]))
def test_of_the_window_eval_has_its_exact_share(arriving: list[tuple[list[Image], int]]) -> None:
    for made in runs(*zip(*arriving, strict=True), PLAIN):
        rest = len(made.learnt)
        # A third, rounded half up, which is none of one.
        third = (2 * rest + 3) // 6
        assert made.splits is not None
        assert len(made.splits["eval"]) == (min(max(third, 1), rest - 1) if rest > 1 else third)


@settings(max_examples=300)
@given(arrivals(["", "", "", "train", "eval", "test"]), LISTS, st.data())
def test_a_champion_of_these_runs_says_what_the_order_of_the_spans_says(
    arriving: list[tuple[list[Image], int]], listed: list[str], data: st.DataObject
) -> None:
    """So a push changes nothing of what is read of the data, whichever of the earlier runs it was."""
    arriving[0][0].extend((group, "a", "") for group in ("p3", "p10"))
    spans, windows = zip(*arriving, strict=True)
    splits = PLAIN.model_copy(update={"test_groups": listed})
    made = runs(spans, windows, splits)
    for count, each in enumerate(made, 1):
        champion = data.draw(st.sampled_from(made[:count]))
        if each.splits is not None:
            assert recall(members_of(spans[:count]), splits, champion.memory) is None


@settings(max_examples=300)
@given(arrivals([""]), st.dictionaries(st.sampled_from(GROUPS), st.sampled_from(SPLITS)))
def test_the_memory_of_any_champion_counts_most(arriving: list[tuple[list[Image], int]], knows: dict[str, str]) -> None:
    """One of an earlier version, whose splits were others, or of spans that have been taken away."""
    spans = [span for span, _ in arriving]
    tested = {group for group, split in knows.items() if split == "test"}
    memory = Memory(tested, knows.keys() - tested)
    before, found = run(spans[:-1], 0, PLAIN).tested, run(spans, 0, PLAIN, memory).tested
    assert tested & brought(spans) <= found
    assert not found & memory.learnt
    # Nothing else that an earlier span brought comes into the test split.
    new = brought(spans) - brought(spans[:-1])
    assert found <= before | tested | new
    kept = (before | tested & brought(spans)) - memory.learnt
    can_come = new - tested - memory.learnt
    assert len(found) == len(kept) + min(len(can_come), max(0, quota(len(brought(spans))) - len(kept)))


SALTED = st.builds(Splits, train=st.just(2), eval=st.just(1), test=st.integers(1, 4), salt=st.sampled_from("abc"))


@given(arrivals([""]), st.lists(SALTED, min_size=6, max_size=6))
def test_where_each_run_is_pushed_the_splits_may_change(
    arriving: list[tuple[list[Image], int]], settings: list[Splits]
) -> None:
    """Else what is older than the window, and learnt by a model before the champion, would be drawn by another hash."""
    spans, windows = zip(*arriving, strict=True)
    champion, learnt = Memory(), set()
    for count, (window, splits) in enumerate(zip(windows, settings, strict=False), 1):
        made = run(spans[:count], window, splits, champion)
        learnt |= made.learnt
        assert not learnt & made.tested
        assert champion.tested <= made.tested
        champion = made.memory


def test_the_share_of_a_span_that_is_no_longer_the_newest_is_trained_on() -> None:
    """p8 has the lowest hash; it comes with the first span, p2 with the second."""
    splits = PLAIN.model_copy(update={"test_groups": ["p3"]})
    first: Span = [("p8", "", ""), ("p3", "", ""), ("p5", "", "")]
    second: Span = [("p2", "", "")]
    third: Span = [("p8", "", ""), ("p4", "", "")]
    assert run([first], 0, splits).tested == {"p8", "p3"}
    assert "p8" in run([first, second], 0, splits).learnt
    # Of an older span than the window, it is in no split; come again, it is not drawn anew.
    assert "p8" not in run([first, second], 1, splits).learnt | run([first, second], 1, splits).tested
    assert "p8" in run([first, second, third], 1, splits).learnt
    # Nor does it stay for a champion that was tested on it: the list is what stays.
    assert "p8" in run([first, second, third], 0, splits, Memory(tested={"p8", "p3"})).learnt


def test_a_stratum_is_what_was_known_when_the_span_was_the_newest() -> None:
    """Of what later spans tell of a patient nothing counts for an earlier draw."""
    first: Span = [(group, "a" if number % 2 else "b", "") for number, group in enumerate(GROUPS[:10])]
    later: Span = [(group, "b", "") for group in GROUPS[:10]]
    assert run([first], 0, PLAIN).tested == run([first, later], 0, PLAIN).tested


def test_without_spans_a_list_is_the_whole_test_split() -> None:
    found = assign_splits([Member(group) for group in GROUPS], PLAIN.model_copy(update={"test_groups": ["p3"]}))
    assert [group for group, split in zip(GROUPS, found, strict=True) if split == "test"] == ["p3"]


@pytest.mark.parametrize("earlier", ["", "train", "eval"])
def test_a_split_that_is_prescribed_too_late_is_refused(earlier: str) -> None:
    """Of the three groups p8, with the lowest hash, was test, where nothing else was prescribed for it."""
    first = [Member(group, split=earlier if group == "p5" else "", age=4) for group in ("p8", "p5", "p0")]
    assert assign_splits(first, PLAIN)[0] == "test"
    with pytest.raises(
        UsageError, match=r"the source puts group 'p5' into test, but an earlier span gave it to training"
    ):
        assign_splits([*first, Member("p5", split="test", age=0)], PLAIN)


def test_a_split_that_is_prescribed_in_time_is_kept() -> None:
    """p8 was drawn into the test split when it came; for p5 it was prescribed then."""
    members = [
        Member("p5", split="test", age=2),
        Member("p5", age=2),
        *(Member(group, age=2) for group in ("p8", "p0", "p6")),
        Member("p5", age=1),
        Member("p5", split="test", age=0),
        Member("p8", split="test", age=0),
    ]
    assert assign_splits(members, PLAIN) == ["test", "test", "test", "eval", "train", "test", "test", "test"]


def test_prescribing_a_group_later_draws_no_other_in_its_stead() -> None:
    """p8 and p3 are test of five; then the source says that p8 is train, and p4, the next, has been learnt."""
    first: list[Image] = [(group, "", "") for group in ("p8", "p3", "p4", "p2", "p1")]
    assert run([first], 0, PLAIN).tested == {"p8", "p3"}
    found: dict[str, Any] | None = run([first, [("p8", "", "train")]], 0, PLAIN).splits
    assert found is not None
    assert (found["test"], "p8" in found["train"]) == ({"p3"}, True)
