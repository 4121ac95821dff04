"""What is known of a folder, why, and what a person must say of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.example_gen.layouts.templates import Template
from pipeline.config.loader import changed_config, override_document
from pipeline.config.root import Config
from pipeline.runs.init.questions import Ask, Question


@dataclass(frozen=True)
class Row:
    """A line of what was understood."""

    topic: str
    found: str
    why: str = ""


@dataclass
class Understanding:
    root: Path
    data: dict[str, Any]
    """Keys of `[data]`."""
    sections: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    """Keys of other sections, and why."""
    rows: list[Row] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    """What was taken for granted."""
    left: list[str] = field(default_factory=list)
    """Names of images that are not read, without suffix."""
    questions: list[Question] = field(default_factory=list)
    masks: tuple[str, ...] = ()
    """Templates of all masks that were found, read or not."""
    said: frozenset[str] = frozenset()
    """Keys that a person has set."""

    @property
    def open(self) -> list[str]:
        """What would turn the truth upside down, and nobody has said."""
        return [question.text for question in self.questions if question.default is None]

    def config(self, overrides: Sequence[str] = ()) -> Config:
        """What a recipe of it says, with the questions that are open where the overrides answer none of them.

        Raises:
            UsageError: an override that is none.
        """
        sections = {name: keys for name, (keys, _) in self.sections.items()}
        said = {override.partition("=")[0].strip() for override in overrides}
        questions = [each.text for each in self.questions if each.default is None and not said & each.keys]
        data = {**self.data, "input": str(self.root), "questions": questions}
        document = copy.deepcopy({"data": data, **sections})
        return changed_config(document, overrides, self.root)

    def override(self, overrides: Sequence[str]) -> None:
        """Writes into it what a person has said, which answers the questions that it is an answer to.

        Raises:
            UsageError: an override that is none.
        """
        document = {"data": self.data, **{name: keys for name, (keys, _) in self.sections.items()}}
        override_document(document, overrides)
        self.data = document.pop("data")
        self.sections = {name: (keys, self.sections.get(name, ({}, ""))[1]) for name, keys in document.items()}
        said = {each.partition("=")[0].strip() for each in overrides}
        self.said |= said
        self.questions = [each for each in self.questions if not each.keys & said]

    def ask(self, ask: Ask) -> None:
        """Puts the questions; what is answered is none any more, what has a default is taken for granted."""
        for question in [*self.questions]:
            answer = ask(question)
            chosen = answer or question.default
            if chosen is None:
                continue
            self.questions.remove(question)
            if question.topic and chosen != question.default:
                self.drop(question.topic)
            for key, value in question.answers[chosen].items():
                self.data[key] = {**self.data.get(key, {}), **value} if isinstance(value, Mapping) else value
            if answer is None:
                self.unsure.append(question.granted)
            else:
                self.rows.append(Row("answered", answer, question.text))
        self.settle_masks()

    def settle_masks(self) -> None:
        """Says which masks are read, and leaves out what else was found: a template may take them for images."""
        read = self.data.get("paths", {}).get("masks")
        if self.data["layout"] != "paths" or not self.masks or not read:
            return
        self.rows = [replace(row, why=masks_told(read)) if row.topic == "layout" else row for row in self.rows]
        if "data.paths.others" not in self.said:
            # A template that matches another matches all of its files.
            known = [each for each in self.masks if each not in read]
            others = [each for each in known if all(Template(one).match(each) is None for one in read)]
            paths = {key: value for key, value in self.data["paths"].items() if key != "others"}
            self.data["paths"] = {**paths, **({"others": others} if others else {})}

    def drop(self, topic: str) -> None:
        """Takes back the rows of a topic."""
        gone = self.of_topic(topic)
        self.rows = [row for row in self.rows if row not in gone]

    def of_topic(self, topic: str) -> list[Row]:
        """Its rows, and those below it that have no topic."""
        found: list[Row] = []
        for row in self.rows:
            if row.topic == topic or (not row.topic and found and self.rows[self.rows.index(row) - 1] in found):
                found.append(row)
        return found


def masks_told(templates: Sequence[str]) -> str:
    return f"masks at {' and '.join(templates)}"
