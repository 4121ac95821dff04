"""What the data gate finds, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.data_gate.core import Entry, find_problems, split_report

SETTINGS = {"max_reject_fraction": 0.05, "min_groups": 2}
NO_REJECTS: dict[str, Any] = {"sources": 12, "rejects": []}


def entry(number: int, split: str) -> Entry:
    return Entry(
        id=f"case{number}",
        group=f"patient{number}",
        source=f"images/case{number}.png",
        split=split,
        sha256=f"{number:064x}",
        has_foreground=number % 2 == 0,
    )


CLEAN = [entry(number, ("train", "train", "eval", "test")[number // 2 % 4]) for number in range(12)]


def problems(
    entries: list[Entry], rejects: dict[str, Any] = NO_REJECTS, anomalies: dict[str, list[str]] | None = None
) -> list[tuple[str, str]]:
    found = find_problems(entries, rejects, anomalies or {}, SETTINGS)
    return [(problem.kind, problem.message) for problem in found]


def test_no_false_alarm() -> None:
    assert problems(CLEAN) == []


def test_several_records_of_a_group_in_one_split() -> None:
    assert problems([*CLEAN, replace(CLEAN[0], id="again", source="images/again.png")]) == []


@pytest.mark.parametrize(
    ("kind", "shared", "verb"),
    [("group overlap", "group", "share a group"), ("identical pixels", "sha256", "hold the same pixels")],
)
def test_a_leak_names_both_sides(kind: str, shared: str, verb: str) -> None:
    leak = replace(entry(99, "test"), **{shared: getattr(CLEAN[0], shared)})
    [(found, message)] = problems([*CLEAN, leak])
    assert found == kind
    for side in (CLEAN[0], leak):
        assert f"{side.source} ({side.split}, group {side.group})" in message
    assert f"{verb} across splits" in message


def test_a_leak_over_three_splits_is_three_leaks() -> None:
    copies = [replace(entry(90 + n, split), sha256="f" * 64) for n, split in enumerate(("train", "eval", "test"))]
    assert [kind for kind, _ in problems([*CLEAN, *copies])] == ["identical pixels"] * 3


def test_every_shared_group_is_found() -> None:
    leaks = [replace(entry(90 + n, "test"), group=f"patient{n}") for n in (0, 1, 2)]
    assert [kind for kind, _ in problems([*CLEAN, *leaks])] == ["group overlap"] * 3


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_an_empty_split(split: str) -> None:
    [(kind, message)] = problems([entry for entry in CLEAN if entry.split != split])
    assert kind == "empty split"
    assert f"split {split} has no record" in message


def test_no_record_at_all() -> None:
    assert [kind for kind, _ in problems([])] == ["empty split"] * 3


def test_a_split_of_one_patient() -> None:
    entries = [replace(entry, group="one") if entry.split == "test" else entry for entry in CLEAN]
    [(kind, message)] = problems(entries)
    assert kind == "small split"
    assert "split test has 1 groups, [validation] min_groups asks for 2" in message


def test_a_split_without_foreground() -> None:
    entries = [replace(entry, has_foreground=False) if entry.split == "eval" else entry for entry in CLEAN]
    [(kind, message)] = problems(entries)
    assert kind == "empty split"
    assert "split eval has no foreground in any mask" in message


@pytest.mark.parametrize(("rejected", "stops"), [(0, False), (5, False), (6, True)])
def test_rejects_up_to_the_limit(rejected: int, stops: bool) -> None:
    """5 of 100 are the 5 % that are allowed."""
    rejects = [{"source": f"images/bad{number}.png", "reason": f"fault {number}"} for number in range(rejected)]
    found = problems(CLEAN, {"sources": 100, "rejects": rejects})
    assert bool(found) is stops
    if stops:
        [(kind, message)] = found
        assert kind == "rejects"
        assert "6 of 100 sources are unusable, [validation] max_reject_fraction allows 5%" in message
        assert "images/bad0.png: fault 0; images/bad1.png: fault 1; images/bad2.png: fault 2 …" in message


def test_an_anomaly_names_its_split() -> None:
    found = problems(CLEAN, anomalies={"train": [], "test": ["image/std: out of range"]})
    assert found == [("anomaly", "split test: image/std: out of range")]


def test_problems_come_in_the_order_of_their_weight() -> None:
    entries = [entry for entry in CLEAN if entry.split != "eval"]
    entries.append(replace(entry(99, "test"), group="patient0", sha256=CLEAN[0].sha256))
    rejects = {"sources": 2, "rejects": [{"source": "a", "reason": "b"}]}
    kinds = [kind for kind, _ in problems(entries, rejects, {"test": ["x"]})]
    assert kinds == ["group overlap", "identical pixels", "empty split", "rejects", "anomaly"]


def test_report() -> None:
    twin = replace(entry(50, "train"), sha256=CLEAN[0].sha256)
    leak = replace(entry(60, "test"), group="patient0")
    entries = [leak, *CLEAN, twin]
    rejects = {"sources": 15, "rejects": [{"source": "images/bad.png", "reason": "cut short"}]}
    found = find_problems(entries, rejects, {}, {**SETTINGS, "max_reject_fraction": 0.1})
    report = split_report(entries, rejects, found)
    # CLEAN: two of each, numbers 0 to 3 and 8 to 11 in train; even numbers have foreground.
    assert report["splits"] == {
        "train": {"records": 9, "groups": 9, "with_foreground": 5},
        "eval": {"records": 2, "groups": 2, "with_foreground": 1},
        "test": {"records": 3, "groups": 3, "with_foreground": 2},
    }
    assert report["sources"] == len(report["records"]) + len(report["rejects"])
    assert report["rejects"] == rejects["rejects"]
    assert report["duplicates_within_a_split"] == [
        ["images/case0.png (train, group patient0)", "images/case50.png (train, group patient50)"]
    ]
    assert [problem["kind"] for problem in report["problems"]] == ["group overlap"]
    assert [(record["split"], record["source"]) for record in report["records"]] == sorted(
        (entry.split, entry.source) for entry in entries
    )
    assert report["records"][0] == {
        "id": "case4",
        "group": "patient4",
        "source": "images/case4.png",
        "split": "eval",
        "sha256": f"{4:064x}",
        "has_foreground": True,
    }
