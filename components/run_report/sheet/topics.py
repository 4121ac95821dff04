"""The topics of the reporting sheet, by section."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from components.run_report.core import Run
from components.run_report.doubtful import MOST_LISTED
from components.run_report.lineage import lineage
from components.run_report.sheet.data import DATA, PARTITIONS, REFERENCE
from components.run_report.sheet.model import MODEL, TRAINING
from components.run_report.sheet.results import RESULTS
from components.run_report.sheet.rows import BOTH, CLAIM, TRIPOD, Row, Topic, filled

STUDY = (
    Topic("Title, abstract, background and aims", BOTH, for_a_person=True),
    Topic("Intended use, users and place in care", BOTH, for_a_person=True),
    Topic("Study design, setting and dates", BOTH, for_a_person=True),
    Topic("Ethics, consent and de-identification", BOTH, for_a_person=True),
    Topic("Protocol, registration, funding and conflicts of interest", BOTH, for_a_person=True),
    Topic("Involvement of patients and the public", (TRIPOD,), for_a_person=True),
)
DISCUSSION = (
    Topic("Interpretation, limitations and implications for practice", BOTH, for_a_person=True),
    Topic("Fairness towards groups of patients", (TRIPOD,), for_a_person=True),
    Topic("What users must do with input of poor quality", (TRIPOD,), for_a_person=True),
    Topic("Where data and code can be had", BOTH, for_a_person=True),
    Topic("Explanation of single predictions", (CLAIM,)),
)
SECTIONS = {
    "Study": STUDY,
    "Data": DATA,
    "Reference standard": REFERENCE,
    "Partitions": PARTITIONS,
    "Model": MODEL,
    "Training": TRAINING,
    "Results": RESULTS,
    "Discussion": DISCUSSION,
}


def sheet_of(run: Run) -> list[Row]:
    """All topics, answered from the papers of a run."""
    return filled(SECTIONS, run.papers)


def as_json(run: Run, written: str) -> dict[str, Any]:
    """The contents of `report.json`; `written` is the time."""
    return {
        "written": written,
        "recipe": run.recipe,
        "notice": run.notice,
        "verdict": asdict(run.verdict),
        "engines": dict(run.engines),
        "doubtful": [each.as_json() for each in run.doubtful[:MOST_LISTED]],
        "sheet": [row.as_json() for row in sheet_of(run)],
        "lineage": lineage(run.papers),
    }
