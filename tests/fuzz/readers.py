"""All that is fuzzed, by name; images, of which most is not ours, first."""

from __future__ import annotations

from fuzz import annotations, medical, ours, raster, slides, tables
from fuzz.reader import Reader

READERS: dict[str, Reader] = {
    name: reader
    for module in (raster, medical, slides, annotations, tables, ours)
    for name, reader in module.READERS.items()
}
