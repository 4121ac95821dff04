"""What an epoch draws of the records: shares of each batch, balance, and that (seed, epoch) alone decide."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.task import Task
from components.trainer.sampling import ANY_CLASS, BY_SHARE, Balance, Facts, Plan, Sampling, certain

TASK = Task(classes=["breast", "muscle", "lesion"])
CLASSES = st.lists(st.sets(st.integers(1, 3)).map(sorted), min_size=1, max_size=60)


def facts(classes: list[list[int]], labels: list[str] | None = None) -> Facts:
    return Facts(classes, labels or [""] * len(classes))


def plan(found: Facts, batch: int = 8, seed: int = 3, **sampling: Any) -> Plan:
    return Plan(found, Sampling(**sampling, task=TASK), batch, seed)


@pytest.mark.parametrize(
    ("batch", "share", "expected"),
    [(1, 0.33, 0), (2, 0.33, 1), (3, 0.33, 1), (4, 0.33, 1), (8, 0.33, 3), (12, 0.33, 4), (8, 0.0, 0), (8, 1.0, 8)],
)
def test_shares_are_rounded_as_nnu_net_does(batch: int, share: float, expected: int) -> None:
    """There a sample is drawn for its foreground unless its place is below round(batch * (1 - share))."""
    assert certain(batch, share) == sum(place >= round(batch * (1 - share)) for place in range(batch)) == expected


@settings(max_examples=60, deadline=None)
@given(CLASSES, st.integers(1, 9), st.floats(0, 1), st.integers(1, 3), st.sampled_from(["none", "classes"]))
def test_each_batch_has_its_share_around_foreground(
    classes: list[list[int]], batch: int, share: float, per_record: int, balance: Balance
) -> None:
    assume(any(classes))
    made = plan(facts(classes), batch, oversample_foreground=share, per_record=per_record, balance=balance)
    for epoch in range(3):
        records, visits, around = made.epoch(epoch)
        assert len(records) == made.samples == len(classes) * per_record
        for begin in range(0, len(records), batch):
            some = slice(begin, begin + batch)
            foreground = [number for number, kind in zip(records[some], around[some], strict=True) if kind != BY_SHARE]
            assert len(foreground) == certain(len(records[some]), share)
            assert all(classes[number] for number in foreground)
        for number, kind in zip(records, around, strict=True):
            assert kind in (BY_SHARE, ANY_CLASS, *classes[number])
        pairs = list(zip(records, visits, strict=True))
        assert len(set(pairs)) == len(pairs)
        assert all(visits[records == number].tolist() == [*range((records == number).sum())] for number in records)


@settings(max_examples=40, deadline=None)
@given(CLASSES, st.integers(1, 4))
def test_without_shares_and_balance_each_record_comes_equally_often(classes: list[list[int]], per_record: int) -> None:
    records, _, around = plan(facts(classes), per_record=per_record).epoch(0)
    assert Counter(records.tolist()) == dict.fromkeys(range(len(classes)), per_record)
    assert set(around) == {BY_SHARE}


def test_what_is_not_drawn_for_its_foreground_is_each_record_at_most_once() -> None:
    made = plan(facts([[1]] * 10 + [[]] * 30), oversample_foreground=0.33)
    seen: set[int] = set()
    for epoch in range(12):
        records, _, around = made.epoch(epoch)
        free, around_foreground = records[around == BY_SHARE], records[around != BY_SHARE]
        assert len(set(free)) == len(free) == 25
        # Fifteen of ten: each once or twice.
        assert set(Counter(around_foreground.tolist()).values()) == {1, 2}
        seen |= set(free.tolist())
    assert seen == set(range(40))


def test_samples_around_foreground_have_no_place_of_their_own_in_a_batch() -> None:
    """Devices take parts of a batch: each must get some."""
    made = plan(facts([[1]] * 64), oversample_foreground=0.33)
    places = np.concatenate([np.flatnonzero(made.epoch(epoch).around != BY_SHARE) % 8 for epoch in range(40)])
    assert Counter(places.tolist()).keys() == set(range(8))
    assert np.bincount(places).min() > 0.7 * np.bincount(places).mean()


def test_seed_and_epoch_decide() -> None:
    found = facts([[1], [2], [], [1, 3]] * 5)

    def drawn(seed: int, epoch: int) -> bytes:
        made = plan(found, seed=seed, oversample_foreground=0.5, balance="classes")
        made.epoch(7)
        return b"".join(numbers.tobytes() for numbers in made.epoch(epoch))

    assert drawn(1, 4) == drawn(1, 4)
    assert len({drawn(seed, epoch) for seed in range(3) for epoch in range(3)}) == 9


class TestBalance:
    RARE = facts([[1]] * 40 + [[2]] * 4 + [[]] * 16, [*["benign"] * 50, *["malignant"] * 6, *[""] * 4])

    def test_each_class_and_no_class_are_seen_equally_often(self) -> None:
        records = plan(self.RARE, balance="classes").epoch(0).records
        kinds = Counter(str(self.RARE.classes[number]) for number in records)
        assert kinds == {"[1]": 20, "[2]": 20, "[]": 20}
        # Each of the four rare ones five times.
        assert set(Counter(records[(records >= 40) & (records < 44)].tolist()).values()) == {5}

    def test_each_label_is_seen_equally_often(self) -> None:
        records = plan(self.RARE, balance="labels").epoch(0).records
        kinds = Counter(self.RARE.labels[number] for number in records)
        assert kinds == {"benign": 20, "malignant": 20, "": 20}

    def test_where_it_does_not_come_out_even_each_epoch_favours_another(self) -> None:
        made = plan(facts([[1]] * 9 + [[2]] * 2), balance="classes")
        counts = [sum(number < 9 for number in made.epoch(epoch).records) for epoch in range(30)]
        assert set(counts) == {5, 6}

    def test_a_window_lies_around_the_class_for_which_its_record_was_drawn(self) -> None:
        """Drawn around any, the class that every record has would be seen more often than the others."""
        made = plan(facts([[1]] * 12 + [[1, 2]] * 4), oversample_foreground=0.5, balance="classes")
        records, _, around = made.epoch(0)
        assert Counter(around.tolist()) == {BY_SHARE: 8, 1: 4, 2: 4}
        assert all(number >= 12 for number in records[around == 2])

    def test_what_an_epoch_draws_is_told(self) -> None:
        made = plan(self.RARE, oversample_foreground=0.33, balance="classes", per_record=2)
        told = {"breast": 40, "muscle": 4, "no class": 16}
        assert made.as_json() == {"samples": 120, "foreground_per_batch": 3, "balanced": told}
        told = {"benign": 50, "malignant": 6, "no label": 4}
        assert plan(self.RARE, balance="labels").as_json()["balanced"] == told


class TestWhatCannotBe:
    def test_without_foreground_all_are_drawn_alike_and_it_is_said_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "maskline.trainer"):
            made = plan(facts([[]] * 5), oversample_foreground=0.33)
            for epoch in range(3):
                records, _, around = made.epoch(epoch)
                assert sorted(records) == [*range(5)]
                assert set(around) == {BY_SHARE}
        assert caplog.messages == [
            "[training] oversample_foreground = 0.33: no training record has foreground, so all are drawn alike"
        ]
        assert made.as_json()["foreground_per_batch"] == 0

    @pytest.mark.parametrize(("balance", "only"), [("labels", "no label"), ("classes", "breast")])
    def test_of_a_single_kind_there_is_nothing_to_balance(
        self, balance: Balance, only: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "maskline.trainer"):
            records = plan(facts([[1]] * 5), balance=balance).epoch(0).records
        assert sorted(records) == [*range(5)]
        assert caplog.messages == [
            f"[training] balance = {balance!r}: all training records are of one kind, {only!r}: there is no other"
        ]
