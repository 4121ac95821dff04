"""`[serving]`: where the pusher puts versions. Its node is told the folder alone."""

from __future__ import annotations

from components.settings import Section


class Serving(Section):
    destination: str = ""
    """Folder that holds the served versions. Empty: `serving` in the output folder."""
