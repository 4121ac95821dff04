"""All that is fuzzed, by name; images, of which most is not ours, first."""

from __future__ import annotations

from tests.fuzz import annotations, images, ours, tables
from tests.fuzz.reader import Reader

READERS: dict[str, Reader] = {**images.READERS, **annotations.READERS, **tables.READERS, **ours.READERS}
