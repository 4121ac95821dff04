"""RunReport: the reporting sheet says what was recorded, by which file, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from report_inputs import METRICS, Outputs, Page

from components.run_report.lineage import Paper
from components.run_report.sheet.rows import filled
from components.run_report.sheet.topics import SECTIONS
from pipeline.config.loader import load_config

CONFIG = load_config("folders", ["training.epochs=3"]).model_dump(mode="json")


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path)


def rows(outputs: Outputs, **given: Any) -> dict[str, dict[str, Any]]:
    outputs.report(config=CONFIG, pushed_version="7", pushed_destination="serving/7", **given)
    return {row["topic"]: row for row in outputs.sheet["sheet"]}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_answer_names_its_file_and_the_hash_of_it(outputs: Outputs) -> None:
    found = rows(outputs)
    assert found["Sample size"] == {
        "section": "Data",
        "topic": "Sample size",
        "standards": ["CLAIM 2024", "TRIPOD+AI"],
        "status": "recorded",
        "answer": "train: 11 groups; eval: 3 groups; test: 4 groups",
        "paper": "split_report.json",
        "artifact": "maskline.SplitReport",
        "sha256": sha256(outputs.root / "split_report" / "split_report.json"),
    }
    for topic, answer, file in (
        ("Inclusion, exclusion and flow", "Of 31 sources 1 were rejected (image 1)", "examples/account.json"),
        ("Uncertainty", "95 % interval of the mean Dice over groups: 0.562 to 0.662", "evaluation/metrics.json"),
        (
            "Performance by class and subgroup",
            "label=malignant: mean Dice is below",
            "evaluation/metrics.json",
        ),
        ("Failure analysis", "what is true was missed altogether: 3 cases", "evaluation/per_case.csv"),
        ("The served model does what was measured", "1 of 2 checks", "infra_blessing/checks.json"),
        ("Initialisation", "warm from version 6", "model_run/training.json"),
    ):
        assert found[topic]["answer"].startswith(answer)
        assert found[topic]["sha256"] == sha256(outputs.root / file)
    assert found["The model itself"]["answer"] == "TensorFlow SavedModel, served as version 7"
    assert found["Training approach"]["answer"].startswith("optimizer adam, learning_rate")


def test_what_only_a_person_knows_is_left_to_one(outputs: Outputs) -> None:
    found = rows(outputs)["Intended use, users and place in care"]
    assert (found["status"], found["answer"], found["sha256"]) == ("for a person", None, None)


def test_what_a_file_does_not_say_is_not_recorded(outputs: Outputs) -> None:
    topic = "How the final model was selected"
    outputs.change_training(kept="epoch 2")
    found = rows(outputs)[topic]
    assert found["status"] == "recorded"
    outputs.drop_training("kept")
    assert rows(outputs)[topic] | {"section": ""} == {
        **{"section": "", "topic": topic, "standards": found["standards"], "status": "not recorded"},
        **dict.fromkeys(("answer", "paper", "artifact", "sha256")),
    }


def test_nothing_is_said_of_an_empty_paper() -> None:
    """Whichever it is, and whether or not it is there."""
    topics = [topic for section in SECTIONS.values() for topic in section]
    papers = {topic.paper: Paper("ModelRun", "0" * 64, {}) for topic in topics if topic.answer}
    assert len(papers) > 8
    for given in ({}, papers):
        statuses = {row.topic: row.status for row in filled(SECTIONS, given)}
        assert statuses == {topic.name: "for a person" if topic.for_a_person else "not recorded" for topic in topics}


def test_no_measure_no_answer(outputs: Outputs) -> None:
    undefined = {"mean": None, "median": None, "ci95": None, "n": 0}
    found = rows(outputs, metrics=METRICS | {"dice": undefined, "limits": []})
    for topic in ("Performance on the test data", "Uncertainty", "Performance by class and subgroup"):
        assert found[topic]["status"] == "not recorded"


def test_lineage_and_page_say_the_same(outputs: Outputs) -> None:
    html = outputs.report(config=CONFIG, reason="-")
    lineage = outputs.sheet["lineage"]
    assert lineage["papers"]["metrics.json"]["sha256"] == sha256(outputs.root / "evaluation" / "metrics.json")
    assert lineage["data_fingerprint"] == "f00"
    assert lineage["code"] == {"Trainer": "0123456789ab of a.module"}
    assert {"tensorflow", "keras", "tfx", "numpy", "maskline"} <= set(lineage["environment"]["versions"])
    text = Page(html).text
    assert all(paper["sha256"] in text for paper in lineage["papers"].values())
    assert lineage["environment"]["processor"] in text
