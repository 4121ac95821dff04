"""`[data]`: what example_gen reads of it, and where the images stand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.example_gen.settings import DataKeys
from components.settings import Positive, Section


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
    notice: str = ""
    """A sentence about the data that must stand in every report and manifest."""
    phantoms: Phantoms | None = None
