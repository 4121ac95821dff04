"""Whether a slot is worth a run: the decision by itself, and the facts of real folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from schedule_parts import NEW

from components import code_version
from components.errors import UsageError
from components.files import locked, write_json
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.config.schedule import Schedule
from pipeline.runs.check import check_config
from pipeline.schedule.ledger import SlotRecord
from pipeline.schedule.policy import Facts, decide, gather, is_busy
from pipeline.schedule.retraining import data_fingerprint

SAME = replace(NEW, fingerprint="old", new_cases=0)


@pytest.mark.parametrize(
    ("facts", "settings", "run", "reason"),
    [
        (NEW, {}, True, "the data have changed: 5 new cases"),
        (replace(NEW, new_cases=0), {}, True, "the data have changed: 0 new cases"),
        (NEW, {"min_new_cases": 5}, True, "the data have changed: 5 new cases"),
        (NEW, {"min_new_cases": 6}, False, "5 new cases; [schedule] min_new_cases = 6"),
        (replace(NEW, drifted=("a", "b")), {"min_new_cases": 6}, True, "drift: a, b"),
        (SAME, {}, False, "the data are those of the champion, version 1"),
        (replace(SAME, drifted=("a",)), {}, False, "the data are those of the champion, version 1"),
        (replace(NEW, champion_fingerprint=None), {}, True, "the data have changed: 5 new cases"),
        (replace(NEW, champion=None), {"min_new_cases": 6}, True, "nothing is served yet"),
        (replace(NEW, finished="refused"), {}, False, "the same data, config and champion came to: refused"),
        (
            replace(NEW, champion=None, finished="refused", drifted=("a",)),
            {},
            False,
            "the same data, config and champion came to: refused",
        ),
    ],
)
def test_decision(facts: Any, settings: dict[str, int], run: bool, reason: str) -> None:
    decision = decide(facts, Schedule(**settings))
    assert (decision.run, decision.reason) == (run, reason)


@pytest.fixture
def data(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path / "data", 12)


def config(*overrides: str) -> Config:
    return load_config("folders", ["data.height=32", "data.width=32", "data.groups.by=name", *overrides])


def serve(serving: Path, data: Path, config: Config, version: str = "1") -> None:
    """A champion that learnt from what is in the folder now."""
    (serving / version).mkdir(parents=True)
    fingerprint = data_fingerprint(data, config.records)
    manifest = {"version": version, "data_fingerprint": fingerprint, "config": config.model_dump()}
    write_json(serving / version / "MANIFEST.json", manifest)
    write_json(serving / version / "split_report.json", check_config(data, config))
    write_json(serving / "CHAMPION.json", {"version": version})


def line(facts: Facts, code: int | None, **changes: Any) -> SlotRecord:
    """A line of the ledger about these facts."""
    plain = SlotRecord(
        "2026-01-01T02:00:00+00:00",
        "ran",
        "new data",
        exit_code=code,
        status="done",
        run="r",
        fingerprint=facts.fingerprint,
        config=facts.config,
        champion=facts.champion,
    )
    return replace(plain, **changes)


def add_case(data: Path, name: str) -> None:
    for folder in ("images", "masks"):
        (data / folder / f"{name}.png").write_bytes((data / folder / "p00_a.png").read_bytes())


def test_the_facts_of_a_champion_and_of_what_came_after_it(tmp_path: Path, data: Path) -> None:
    serving = tmp_path / "serving"
    before = gather(config(), data, serving, [])
    assert (before.champion, before.champion_fingerprint, before.new_cases) == (None, None, 24)
    serve(serving, data, config())
    same = gather(config(), data, serving, [])
    assert same.fingerprint == same.champion_fingerprint == before.fingerprint
    assert (same.champion, same.new_cases, same.drifted) == ("1", 0, ())
    add_case(data, "p90_a")
    after = gather(config(), data, serving, [])
    assert after.fingerprint != after.champion_fingerprint == same.fingerprint
    assert after.new_cases == 1


@pytest.mark.parametrize("code", [0, 3, 4])
def test_a_run_that_ended_with_these_facts_need_not_come_again(tmp_path: Path, data: Path, code: int) -> None:
    serving = tmp_path / "serving"
    serve(serving, data, config())
    add_case(data, "p90_a")
    facts = gather(config(), data, serving, [])
    assert gather(config(), data, serving, [line(facts, code)]).finished == "done (run r)"
    # Of what is told in the ledger of another state of things nothing follows.
    for change in ("fingerprint", "config", "champion"):
        assert gather(config(), data, serving, [line(facts, code, **{change: "other"})]).finished is None
    # What it pushed is not served: someone went back to the version before, and shall not have to do so every night.
    assert gather(config(), data, serving, [line(facts, code, pushed="2")]).finished == "done (run r)"
    # Another champion may be easier to beat.
    serve(serving, data, config(), "2")
    assert gather(config(), data, serving, [line(facts, code)]).finished is None


def test_a_champion_that_was_taken_away_is_worth_a_run(tmp_path: Path, data: Path) -> None:
    """The pointer may be deleted, so that the next model that passes the other limits is served."""
    serving = tmp_path / "serving"
    first = gather(config(), data, serving, [])
    served, refused = line(first, 0, pushed="1"), line(first, 3)
    serve(serving, data, config())
    (serving / "CHAMPION.json").unlink()
    again = gather(config(), data, serving, [served])
    assert (again.finished, decide(again, config().schedule).run) == (None, True)
    assert gather(config(), data, serving, [refused, served]).finished == "done (run r)"


@pytest.mark.parametrize("code", [0, 3, 4])
def test_a_run_that_the_timeout_ended_is_not_held_for_finished(tmp_path: Path, data: Path, code: int) -> None:
    """Whatever its exit code within the grace: started again it goes on, or ends at once."""
    facts = gather(config(), data, tmp_path, [])
    assert gather(config(), data, tmp_path, [line(facts, code, status="timed out")]).finished is None


def test_after_an_upgrade_the_same_data_are_tried_again(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = line(gather(config(), data, tmp_path, []), 3)
    assert gather(config(), data, tmp_path, [refused]).finished
    newer = [*code_version._LIBRARIES, "pytest"]
    monkeypatch.setattr(code_version, "_LIBRARIES", newer)
    assert gather(config(), data, tmp_path, [refused]).finished is None


@pytest.mark.parametrize("code", [1, 2, 143, -9, None])
def test_a_run_that_did_not_end_is_no_reason_to_leave_the_next_out(
    tmp_path: Path, data: Path, code: int | None
) -> None:
    facts = gather(config(), data, tmp_path / "serving", [])
    assert gather(config(), data, tmp_path / "serving", [line(facts, code)]).finished is None


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("training.epochs=99", False),
        ("evaluation.min_dice=0.1", False),
        ("data.splits.salt=x", False),
        ("schedule.jitter=5", True),
        ("kubeflow.namespace=x", True),
        ("execution.workers=2", True),
    ],
)
def test_what_cannot_change_a_result_is_no_change_of_the_config(
    tmp_path: Path, data: Path, override: str, same: bool
) -> None:
    digests = [gather(config(*changes), data, tmp_path / "serving", []).config for changes in ((), (override,))]
    assert (digests[0] == digests[1]) is same


def darken(data: Path) -> None:
    """Every image as by another scanner."""
    import cv2

    for path in (data / "images").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED) // 3)


def test_drift_is_looked_for_where_it_can_change_the_decision(tmp_path: Path, data: Path) -> None:
    serving = tmp_path / "serving"
    serve(serving, data, config())
    darken(data)
    needs_more = ("schedule.min_new_cases=10",)
    assert gather(config(*needs_more), data, serving, []).drifted == ()
    # The limit is that of [schedule], not that of the data gate.
    strict = config(*needs_more, "schedule.drift=0.4", "validation.max_drift=1.0")
    facts = gather(strict, data, serving, [])
    assert "intensity mean" in facts.drifted
    assert decide(facts, config(*needs_more).schedule).reason.startswith("drift: intensity mean")
    # A run is due anyway: the images are not read.
    assert gather(config("schedule.drift=0.3"), data, serving, []).drifted == ()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        gather(config(), tmp_path / "nowhere", tmp_path / "serving", [])


def test_a_damaged_pointer_is_an_error(tmp_path: Path, data: Path) -> None:
    (tmp_path / "CHAMPION.json").write_text("{")
    with pytest.raises(UsageError, match=r"CHAMPION\.json: cannot be read"):
        gather(config(), data, tmp_path, [])


def test_a_run_is_on_while_it_holds_the_lock(tmp_path: Path) -> None:
    assert not is_busy(tmp_path)
    with locked(tmp_path / ".lock", wait=False):
        assert is_busy(tmp_path)
    assert not is_busy(tmp_path)
