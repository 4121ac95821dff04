"""`[data]`: what example_gen reads of it, and where the images stand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.errors import OpenQuestions
from components.example_gen.settings import DataKeys
from components.settings import Positive, Section

_ANSWER = "Answer each by the key that it names, remove it from questions, and run again"


class Phantoms(Section):
    """Computer-made films, written where the recipe names no input."""

    women: Positive
    size: Annotated[int, Field(ge=64, le=4096)]
    seed: int
    form: Literal["mias", "classes"] = "mias"
    """`mias`: films and a truth table of lesions, for layout `mias`. `classes`: the same films in `images`, and in
    `masks` class indices of breast, muscle and lesion, for layout `folders`."""


class Data(DataKeys):
    input: str = ""
    """Folder with the source images; `--data` sets it. Empty: the phantoms below are made."""
    questions: list[str] = []
    """What only a person knows of the data, as `maskline init` has left it: answer each by the key that it names, and
    remove it. While there is one, nothing is trained."""
    notice: str = ""
    """A sentence about the data that must stand in every report and manifest."""
    phantoms: Phantoms | None = None

    def refuse_questions(self) -> None:
        """Raises OpenQuestions: there are some."""
        if self.questions:
            raise OpenQuestions("\n".join(["[data] questions are open:", *self.questions, _ANSWER]))
