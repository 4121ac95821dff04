"""What the champion inferrer reads of a config."""

from __future__ import annotations

from components.records.settings import Derivation
from components.settings import Section
from components.task import Task


class ChampionSettings(Section):
    """What a champion must have been made for."""

    task: Task
    derivation: Derivation
