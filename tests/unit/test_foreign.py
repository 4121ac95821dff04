"""The door to parsers that are not ours: everything becomes the refusal that the caller expects, but interrupts."""

from __future__ import annotations

import pytest

from components.foreign import foreign


class Refused(ValueError):
    pass


class Passing(ValueError):
    pass


class Panic(BaseException):
    """As compiled parsers raise."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("bad\n  header"), "not whole: bad header"),
        (MemoryError(), "not whole: MemoryError"),
        (RecursionError("maximum recursion depth exceeded"), "not whole: nested too deeply"),
        (Panic("index out of bounds"), "not whole: index out of bounds"),
        (ValueError("a " * 999), f"not whole: {'a ' * 250}[.]{{3}}"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), "not whole: .*utf-8.*"),
    ],
)
def test_what_a_parser_raises_is_refused_with_its_cause(error: BaseException, message: str) -> None:
    with pytest.raises(Refused, match=f"^{message}$") as caught, foreign(Refused, "not whole"):
        raise error
    assert caught.value.__cause__ is error


def test_what_to_do_comes_last() -> None:
    with (
        pytest.raises(Refused, match=r"^not whole: 'a'\. Save it anew\.$"),
        foreign(Refused, "not whole", remedy="Save it anew."),
    ):
        raise KeyError("a")


@pytest.mark.parametrize("error", [Refused("ours"), Passing("ours"), KeyboardInterrupt(), SystemExit(3)])
def test_our_own_errors_and_interrupts_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, foreign(Refused, "not whole", Passing):
        raise error
    assert caught.value is error
