"""What is quoted of others is cut, and lists are counted."""

from __future__ import annotations

import pytest

from components.brief import REASON, brief, some
from components.errors import UsageError
from components.example_gen.samples import Reject


def test_a_long_text_keeps_what_is_wrong_and_what_to_do() -> None:
    assert brief("short") == "short"
    assert brief("0123456789" * 3, 12) == "01234...6789"
    found = brief("not a number: " + "9" * 10**6 + ". Correct it")
    assert len(found) == REASON
    assert found.startswith("not a number: 999")
    assert found.endswith("999. Correct it")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], ""),
        (["a"], "a"),
        (list("abcde"), "a, b, c, d, e"),
        ([f"m{n}" for n in range(20_000)], "m0, m1, m2, m3, m4 and 19995 more"),
        (["x" * 60_000, "y"], f"{'x' * 31}...{'x' * 16}, y"),
    ],
)
def test_of_many_names_the_first_are_told_and_their_number(names: list[str], told: str) -> None:
    assert some(names) == told


def test_no_reject_and_no_error_is_longer_than_people_read() -> None:
    reject = Reject("a" * 10**6, "truth", "b" * 10**6)
    assert (len(reject.source), len(reject.reason)) == (8192, 500)
    assert len(str(UsageError("c" * 10**6))) == 10_000
