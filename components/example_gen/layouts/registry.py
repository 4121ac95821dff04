"""The layouts that `[data] layout` may name, in the order in which a folder is tried."""

from __future__ import annotations

from components.example_gen.layouts import annotations as documents
from components.example_gen.layouts import bcss, folders, manifest, mias, paths, presplit, sipakmed, via
from components.example_gen.layouts.layout import Layout

LAYOUTS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT
    for module in (mias, manifest, folders, presplit, documents, bcss, sipakmed, via, paths)
}
