"""The count of the decisions of the same test cases."""

from __future__ import annotations

from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from components.evaluator.decisions import DECISIONS_FILE, cases_digest, count_decision
from components.records.record import Record
from components.state import BrokenState

PIXELS = np.zeros((2, 2), np.uint8)
SOURCE = Record(PIXELS, PIXELS, id="a", group="p", source="a.png", source_sha256=b"a", transform={})


def test_each_candidate_counts_once(tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    asked = [("cases", "a", "limits"), ("cases", "b", "limits"), ("cases", "b", "others"), ("cases", "b", "limits")]
    assert [count_decision(serving, *each) for each in asked] == [1, 2, 3, 2]
    assert count_decision(serving, "other cases", "a", "limits") == 1


def test_candidates_that_are_judged_at_once_are_all_counted(tmp_path: Path) -> None:
    with get_context("fork").Pool(4) as pool:
        counts = pool.starmap(count_decision, [(tmp_path, "cases", str(model), "") for model in range(20)])
    assert sorted(counts) == list(range(1, 21))


@pytest.mark.parametrize("content", ['{"test_cases": {"a": ["b"', '{"test_cases": {"a": 3}}', "[]"])
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / DECISIONS_FILE).write_text(content)
    with pytest.raises(BrokenState, match=rf"{DECISIONS_FILE}: .*Put it back, or delete it to count anew"):
        count_decision(tmp_path, "cases", "model", "limits")
    assert (tmp_path / DECISIONS_FILE).read_text() == content


def test_cases_are_the_same_by_id_and_pixels_in_any_order_and_however_cut() -> None:
    a, b = replace(SOURCE, id="a"), replace(SOURCE, id="b")
    tiles = [replace(SOURCE, id=f"a_{index}", derived_from="a") for index in range(2)]
    assert cases_digest([a, b]) == cases_digest([b, *tiles])
    assert cases_digest([a]) != cases_digest([a, b])
    assert cases_digest([a]) != cases_digest([replace(a, source_sha256=b"other")])
