"""Data that arrive in numbered or dated folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UsageError
from components.example_gen.samples import Drawing, Listing, Reject, Sample
from components.example_gen.spans import list_spans, misnamed, span_ages, span_folders, within_window

AGES = {"span-1": 2, "span-3": 1, "span-4": 0}


def spans(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir()
    return root


@pytest.mark.parametrize(
    ("others", "found"),
    [
        (["span-x", "other"], ["span-1", "span-2", "span-007", "span-9", "span-10", "span-20261121"]),
        (["span-2026-1-1", "span-2026-02-30", "span-0000-01-01"], ["span-2025-12-31", "span-2026-01-01"]),
    ],
)
def test_spans_come_in_the_order_of_their_numbers_or_dates(tmp_path: Path, others: list[str], found: list[str]) -> None:
    spans(tmp_path, *reversed(found), *others)
    assert [path.name for path in span_folders(tmp_path)] == found
    assert span_ages(tmp_path) == {name: age for age, name in enumerate(reversed(found))}


def test_no_span(tmp_path: Path) -> None:
    (tmp_path / "span-1").touch()
    with pytest.raises(UsageError, match=r"has no folder span-1, span-2, \.\.\. or span-2026-11-21.* Remove \[data\]"):
        span_folders(spans(tmp_path, "span-", "span-1a", "span-²", "span-2026-13-01"))


def test_two_spans_of_one_number(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'span-007' and 'span-7' are both span 7\. Rename one"):
        span_folders(spans(tmp_path, "span-7", "span-8", "span-007"))


def test_numbers_beside_dates(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'span-8' has a number and 'span-2025-01-01' a date, .* Name all spans in"):
        span_folders(spans(tmp_path, "span-2026-01-01", "span-7", "span-8", "span-2025-01-01"))


def test_spans_as_one_listing(tmp_path: Path) -> None:
    def list_layout(folder: Path) -> Listing:
        return Listing((Sample("a", "woman", "a.png", Drawing(), label=folder.name),), (Reject("b.png", "k", "r"),))

    spans(tmp_path, "span-2", "span-10", "notes", ".span", "Span-11", "span_12", "span-2026-02-30")
    (tmp_path / "span-13.zip").touch()
    found = list_spans(tmp_path, list_layout)
    assert found.samples == (
        Sample("span-2/a", "woman", "span-2/a.png", Drawing(), label="span-2"),
        Sample("span-10/a", "woman", "span-10/a.png", Drawing(), label="span-10"),
    )
    assert [reject.source for reject in found.rejects] == [
        "span-2/b.png", "span-10/b.png", "Span-11", "span-13.zip", "span-2026-02-30", "span_12"
    ]  # fmt: skip
    assert found.rejects[-1].reason == (
        "not read: a span is a folder named span- and a number, or span- and a date such as 2026-11-21"
    )
    assert [path.name for path in misnamed(tmp_path)] == ["Span-11", "span-13.zip", "span-2026-02-30", "span_12"]


def sample(source: str, split: str) -> Sample:
    return Sample(source, "woman", source, Drawing(), split=split)


@pytest.mark.parametrize(
    ("last", "samples", "rejects", "left_out"),
    [
        (0, ["span-1/a", "span-1/b", "span-3/a", "span-4/a"], ["span-1/x", "span-3/x", "Span-9"], []),
        (1, ["span-1/b", "span-4/a"], ["Span-9"], ["span-1/a", "span-3/a", "span-1/x", "span-3/x"]),
        (2, ["span-1/b", "span-3/a", "span-4/a"], ["span-3/x", "Span-9"], ["span-1/a", "span-1/x"]),
        (3, ["span-1/a", "span-1/b", "span-3/a", "span-4/a"], ["span-1/x", "span-3/x", "Span-9"], []),
        (9, ["span-1/a", "span-1/b", "span-3/a", "span-4/a"], ["span-1/x", "span-3/x", "Span-9"], []),
    ],
)
def test_the_window_holds_the_last_spans_and_every_test_sample(
    last: int, samples: list[str], rejects: list[str], left_out: list[str]
) -> None:
    listing = Listing(
        samples=(
            sample("span-1/a", "train"),
            sample("span-1/b", "test"),
            sample("span-3/a", "eval"),
            sample("span-4/a", "train"),
        ),
        rejects=tuple(Reject(source, "kind", "why.") for source in ("span-1/x", "span-3/x", "Span-9")),
        left_out=(Reject("span-1/y", "label", "as asked"),),
    )
    found = within_window(listing, AGES, last)
    assert [one.image for one in found.samples] == samples
    assert [one.source for one in found.rejects] == rejects
    assert found.left_out[0] == listing.left_out[0]
    assert [one.source for one in found.left_out[1:]] == left_out
    assert {one.kind for one in found.left_out[1:]} <= {"span"}
    if last == 2:
        assert [one.reason for one in found.left_out[1:]] == [
            "older than the last 2 spans, and not in the test split",
            "older than the last 2 spans; why.",
        ]
