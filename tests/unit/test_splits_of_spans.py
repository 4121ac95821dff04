"""No model is ever tested on a patient that it, or a model before it, was trained on, however the data arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import UsageError
from components.records.splits import Member, assign_splits, split_of

SHARES: dict[str, Any] = {"train": 2, "eval": 1, "test": 2, "salt": "", "stratify": False}
PLAIN: dict[str, Any] = {**SHARES, "test_groups": [], "test_site": "", "folds": None, "fold": 0}
GROUPS = [f"p{number}" for number in range(12)]
DRAWN = {group: split_of(group, PLAIN) for group in GROUPS}

Span = Sequence[tuple[str, str]]
"""Group, and the split that the source prescribes, of each image of a span."""


@dataclass(frozen=True)
class Made:
    """The groups of each split of a run, or None where it is refused."""

    splits: dict[str, set[str]] | None

    @property
    def learnt(self) -> set[str]:
        return self.splits["train"] | self.splits["eval"] if self.splits else set()

    @property
    def tested(self) -> set[str]:
        return self.splits["test"] if self.splits else set()


def run(arrived: Sequence[Span], window: int, settings: dict[str, Any]) -> Made:
    """A run after some spans, as ingestion makes it: all test samples, of the others those of the window."""
    members = [
        Member(group, split=split, age=age) for age, span in enumerate(reversed(arrived)) for group, split in span
    ]
    try:
        found = assign_splits(members, settings)
    except UsageError:
        return Made(None)
    splits: dict[str, set[str]] = defaultdict(set)
    for member, split in zip(members, found, strict=True):
        assert member.age is not None
        if split == "test" or not window or member.age < window:
            splits[split].add(member.group)
    torn = splits["test"] & (splits["train"] | splits["eval"]) | splits["train"] & splits["eval"]
    # The source alone can tear a group apart; the data gate stops such a run.
    assert not torn or {split for member in members if member.group in torn for split in [member.split]} - {""}
    return Made(None if torn else splits)


def runs(arriving: Sequence[Span], windows: Sequence[int], settings: dict[str, Any]) -> list[Made]:
    """One run after each span, each with a window of its own."""
    return [run(arriving[: count + 1], window, settings) for count, window in enumerate(windows)]


def arrivals(splits: Sequence[str]) -> st.SearchStrategy[list[tuple[Span, int]]]:
    """Spans in which patients come and come again, each with the window of the run that follows it."""
    image = st.tuples(st.sampled_from(GROUPS), st.sampled_from(splits))
    return st.lists(st.tuples(st.lists(image, min_size=1, max_size=8), st.integers(0, 3)), min_size=1, max_size=6)


LISTS = st.sampled_from([[], ["p3"], ["p1*"]])
FOLDS = st.sampled_from([{}, {"folds": 3, "fold": 1}])


@given(arrivals([""]), LISTS, FOLDS)
def test_what_a_run_tests_on_no_earlier_run_has_learnt(
    arriving: list[tuple[Span, int]], listed: list[str], folds: dict[str, int]
) -> None:
    arriving[0][0].extend((group, "") for group in ("p3", "p10"))
    made = runs(*zip(*arriving, strict=True), {**PLAIN, **folds, "test_groups": listed})
    learnt: set[str] = set()
    for each in made:
        assert each.splits is not None
        learnt |= each.learnt
        assert not learnt & each.tested


@given(arrivals(["", "", "train", "eval", "test"]))
def test_nor_where_the_source_prescribes_splits(arriving: list[tuple[Span, int]]) -> None:
    learnt: set[str] = set()
    for made in runs(*zip(*arriving, strict=True), PLAIN):
        learnt |= made.learnt
        assert not learnt & made.tested


@given(arrivals([""]), FOLDS)
def test_the_drawn_test_set_only_grows(arriving: list[tuple[Span, int]], folds: dict[str, int]) -> None:
    made = runs(*zip(*arriving, strict=True), {**PLAIN, **folds})
    assert all(earlier.tested <= later.tested for earlier, later in pairwise(made))
    brought = {group for span, _ in arriving for group, _ in span}
    assert made[-1].tested == {group for group in brought if DRAWN[group] == "test"}


@given(arrivals([""]))
def test_the_listed_groups_and_the_new_share_are_the_whole_test_split(arriving: list[tuple[Span, int]]) -> None:
    arriving[0][0].append(("p3", ""))
    spans = [span for span, _ in arriving]
    made = runs(*zip(*arriving, strict=True), {**PLAIN, "test_groups": ["p3"]})
    for count, each in enumerate(made):
        before = {group for span in spans[:count] for group, _ in span}
        new = {group for group, _ in spans[count]} - before
        assert each.tested == {"p3"} | {group for group in new if DRAWN[group] == "test"}


def test_the_share_of_a_span_that_is_no_longer_the_newest_is_trained_on() -> None:
    """p0 is drawn for the test split; it comes with the first span, p1 with the second."""
    settings = {**PLAIN, "test_groups": ["p3"]}
    first, second, third = [("p0", ""), ("p3", "")], [("p2", "")], [("p0", ""), ("p4", "")]
    assert DRAWN["p0"] == "test"
    assert run([first], 0, settings).tested == {"p0", "p3"}
    assert "p0" in run([first, second], 0, settings).learnt
    # Of an older span than the window, it is in no split; come again, it is not drawn anew.
    assert "p0" not in run([first, second], 1, settings).learnt | run([first, second], 1, settings).tested
    assert "p0" in run([first, second, third], 1, settings).learnt


def test_without_spans_a_list_is_the_whole_test_split() -> None:
    found = assign_splits([Member(group) for group in GROUPS], {**PLAIN, "test_groups": ["p3"]})
    assert [group for group, split in zip(GROUPS, found, strict=True) if split == "test"] == ["p3"]


@pytest.mark.parametrize("earlier", ["", "train", "eval"])
def test_a_split_that_is_prescribed_too_late_is_refused(earlier: str) -> None:
    [group, *_] = [group for group in GROUPS if DRAWN[group] == "train"]
    with pytest.raises(
        UsageError, match=rf"the source puts group '{group}' into test, but an earlier span gave it to training"
    ):
        assign_splits([Member(group, split=earlier, age=4), Member(group, split="test", age=0)], PLAIN)


def test_a_split_that_is_prescribed_in_time_is_kept() -> None:
    [group, *_] = [group for group in GROUPS if DRAWN[group] == "train"]
    [held_out, *_] = [group for group in GROUPS if DRAWN[group] == "test"]
    members = [
        Member(group, split="test", age=2),
        Member(group, age=2),
        Member(group, age=1),
        Member(group, split="test", age=0),
        Member(held_out, age=1),
        Member(held_out, split="test", age=0),
    ]
    assert assign_splits(members, PLAIN) == ["test"] * 6
