"""Data that arrive in numbered folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UsageError
from components.example_gen.samples import Drawing, Listing, Reject, Sample
from components.example_gen.spans import list_spans, misnamed, span_folders


def spans(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir()
    return root


@pytest.mark.parametrize(
    ("last", "found"),
    [
        (0, ["span-1", "span-2", "span-007", "span-9", "span-10"]),
        (1, ["span-10"]),
        (3, ["span-007", "span-9", "span-10"]),
        (9, ["span-1", "span-2", "span-007", "span-9", "span-10"]),
    ],
)
def test_the_last_spans_are_those_of_the_highest_numbers(tmp_path: Path, last: int, found: list[str]) -> None:
    spans(tmp_path, "span-10", "span-9", "span-1", "span-007", "span-2", "span-x", "other")
    assert [path.name for path in span_folders(tmp_path, last)] == found


def test_no_span(tmp_path: Path) -> None:
    (tmp_path / "span-1").touch()
    with pytest.raises(UsageError, match=r"has no folder span-1, span-2, \.\.\. Remove \[data\] spans"):
        span_folders(spans(tmp_path, "span-", "span-1a", "span-²"), 0)


@pytest.mark.parametrize("last", [0, 1])
def test_two_spans_of_one_number(tmp_path: Path, last: int) -> None:
    with pytest.raises(UsageError, match=r"'span-007' and 'span-7' are both span 7\. Rename one"):
        span_folders(spans(tmp_path, "span-7", "span-8", "span-007"), last)


def test_spans_as_one_listing(tmp_path: Path) -> None:
    def list_layout(folder: Path) -> Listing:
        return Listing((Sample("a", "woman", "a.png", Drawing(), label=folder.name),), (Reject("b.png", "k", "r"),))

    spans(tmp_path, "span-2", "span-10", "notes", ".span", "Span-11", "span_12")
    (tmp_path / "span-13.zip").touch()
    found = list_spans(tmp_path, 0, list_layout)
    assert found.samples == (
        Sample("span-2/a", "woman", "span-2/a.png", Drawing(), label="span-2"),
        Sample("span-10/a", "woman", "span-10/a.png", Drawing(), label="span-10"),
    )
    assert [reject.source for reject in found.rejects] == [
        "span-2/b.png", "span-10/b.png", "Span-11", "span-13.zip", "span_12"
    ]  # fmt: skip
    assert found.rejects[-1].reason == "not read: a span is a folder named span- and a number"
    assert [path.name for path in misnamed(tmp_path)] == ["Span-11", "span-13.zip", "span_12"]
