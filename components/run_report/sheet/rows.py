"""A reporting sheet: which topics of reporting guidelines the papers of a run answer, and by which of them.

Topics are named, not numbered: they are those of CLAIM 2024 (imaging studies) and TRIPOD+AI (prediction models), whose
own texts have the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.run_report.lineage import Paper

CLAIM, TRIPOD = "CLAIM 2024", "TRIPOD+AI"
BOTH = (CLAIM, TRIPOD)
RECORDED, NOT_RECORDED, FOR_A_PERSON = "recorded", "not recorded", "for a person"


@dataclass(frozen=True)
class Topic:
    """What a guideline asks for, and what answers it."""

    name: str
    standards: tuple[str, ...]
    paper: str = ""
    """Name of the paper that says it; empty: none does."""
    answer: Callable[[Paper], str] | None = None
    """Raises LookupError where the paper does not say it."""
    for_a_person: bool = False
    """Whether no run can know it."""


@dataclass(frozen=True)
class Row:
    """A topic with its answer, and where that comes from."""

    section: str
    topic: str
    standards: tuple[str, ...]
    status: str
    """One of the three."""
    answer: str | None = None
    paper: str | None = None
    artifact: str | None = None
    """The kind of that which the paper is in."""
    sha256: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def filled(sections: Mapping[str, Sequence[Topic]], papers: Mapping[str, Paper]) -> list[Row]:
    """The topics of each section, answered from the papers and nothing else."""
    return [_row(section, topic, papers) for section, topics in sections.items() for topic in topics]


def _row(section: str, topic: Topic, papers: Mapping[str, Paper]) -> Row:
    asked = section, topic.name, topic.standards
    if topic.for_a_person:
        return Row(*asked, FOR_A_PERSON)
    paper = papers.get(topic.paper)
    if topic.answer is None or paper is None:
        return Row(*asked, NOT_RECORDED)
    try:
        answer = topic.answer(paper)
    except LookupError:
        return Row(*asked, NOT_RECORDED)
    return Row(*asked, RECORDED, answer, topic.paper, paper.artifact, paper.sha256)
