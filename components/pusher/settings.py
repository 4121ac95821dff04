"""What the pusher reads of a config."""

from __future__ import annotations

from components.settings import Section


class Serving(Section):
    destination: str = ""
    """Folder that holds the served versions. Empty: `serving` in the output folder."""
