"""The rule that gives each group its split."""

from __future__ import annotations

import math

import pytest

from components.splits import SPLITS, split_of

SHARES = {"train": 70, "eval": 15, "test": 15, "salt": ""}
GROUPS = [f"patient{number}" for number in range(20000)]


@pytest.mark.parametrize(
    ("salt", "group", "digest", "split"),
    [
        # digest: the first 16 hex digits that `printf %s SALT/GROUP | sha256sum` prints; buckets 0, 69, 70, 84,
        # 85, 64 and 99
        ("", "pair030", "3771fa822443ff90", "train"),
        ("", "pair055", "56da060aa9054119", "train"),
        ("", "pair201", "2c9e222d3917257a", "eval"),
        ("", "pair157", "9f91267669040708", "eval"),
        ("", "pair009", "fba9faf1a74aefe5", "test"),
        ("137", "pair014", "398fbe0abe6f3050", "train"),
        ("137", "pair015", "a591fc15c4f4ab4b", "test"),
    ],
)
def test_golden_assignment(salt: str, group: str, digest: str, split: str) -> None:
    """A changed rule would move patients from the test set into the training set."""
    bucket = int(digest, 16) % 100
    assert split == ("train" if bucket < 70 else "eval" if bucket < 85 else "test")
    assert split_of(group, {**SHARES, "salt": salt}) == split


@pytest.mark.parametrize("shares", [(70, 15, 15), (1, 1, 1), (5, 3, 2)])
def test_shares_on_many_groups(shares: tuple[int, int, int]) -> None:
    splits = dict(zip(SPLITS, shares, strict=True)) | {"salt": ""}
    found = [split_of(group, splits) for group in GROUPS]
    for name, share in zip(SPLITS, shares, strict=True):
        expected = share / sum(shares)
        deviation = math.sqrt(expected * (1 - expected) / len(GROUPS))
        assert found.count(name) / len(GROUPS) == pytest.approx(expected, abs=4 * deviation)


def test_groups_stay_when_others_are_added() -> None:
    few = {group: split_of(group, SHARES) for group in GROUPS[:100]}
    more = {group: split_of(group, SHARES) for group in reversed(GROUPS)}
    assert few.items() <= more.items()


def test_another_salt_draws_again() -> None:
    same = sum(split_of(group, SHARES) == split_of(group, {**SHARES, "salt": "b"}) for group in GROUPS)
    # Independent draws agree with probability 0.7^2 + 0.15^2 + 0.15^2.
    assert same / len(GROUPS) == pytest.approx(0.535, abs=4 * math.sqrt(0.535 * 0.465 / len(GROUPS)))
