"""`[serving]`: where versions are put, what goes with them, and what they offer."""

from __future__ import annotations

from components.engine_export.settings import Faster
from components.pusher.settings import Pushing


class Serving(Faster, Pushing):
    """The section of the config."""
