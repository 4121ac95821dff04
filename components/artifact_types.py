"""Artifact types that TFX does not have."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class SplitReport(Artifact):
    """`split_report.json`: which source, group and hash is in which split.

    `signatures.npz`: by which copies of the images are known.
    """

    TYPE_NAME = "maskline.SplitReport"


class HtmlReport(Artifact):
    """`report.html`: the run for people, one file without outside references.

    `report.json`: its reporting sheet; `doubtful.csv`: the labels that a person should look at first.
    """

    TYPE_NAME = "maskline.RunReport"


class Engines(Artifact):
    """`engines.json` and `engines/FORM`: what a model's `assets.extra` has of faster forms of it."""

    TYPE_NAME = "maskline.Engines"


def own_types() -> list[type[Artifact]]:
    """All of this module."""
    return [kind for kind in Artifact.__subclasses__() if kind.__module__ == __name__]
