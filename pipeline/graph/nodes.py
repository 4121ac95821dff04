"""The ids of the graph's nodes, for code that must not import TFX; in the order of the data."""

from __future__ import annotations

NODES = (
    "ImageMaskExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "ChampionResolver",
    "DataGate",
    "Augmentor",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Pusher",
    "RunReport",
)

ALWAYS_RUN = frozenset({"Pusher"})
"""Nodes whose results are never reused: what they did to the outside may have been undone since."""
