"""What is read of the papers in the serving folder; earlier versions of Maskline did not write every key."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict


class Pointer(TypedDict):
    """`CHAMPION.json`."""

    version: object
    """The champion; null before the first push has come to its end."""
    next: NotRequired[object]
    """While a push is on: the version that is the champion as soon as its folder is there, at once for those who read
    the pointer and for those who take the highest number."""


class Manifest(TypedDict):
    """`MANIFEST.json`; earlier versions of Maskline did not write every key."""

    version: str
    run: NotRequired[str]
    config: NotRequired[dict[str, Any]]
    metrics: NotRequired[dict[str, Any]]
    weights: NotRequired[dict[str, Any] | None]
    """Where those that were not drawn came from."""
    model_sha256: NotRequired[str]
    data_fingerprint: NotRequired[str]
    warm_starts: NotRequired[int]
    """Versions in a row, this one included, that began with the weights of the one before."""
    replaces: NotRequired[str | None]
    """The champion before it, of a rollback that before the version that it is a copy of."""
    engines: NotRequired[dict[str, bool]]
    """Of each faster form that was asked for, whether it is offered."""
    cost: NotRequired[dict[str, Any]]
    """Of each signature and engine, what a request of one image took: see `components.serving_check.cost`."""
    copy_of: NotRequired[str]
    """The version that this one, a rollback, has again."""
    withdrawn: NotRequired[list[str]]
    """By `model_sha256` what was rolled back, here or before: it is not pushed again."""


class Row(TypedDict):
    """A record in the split report; what the data gate compares, by `components.data_gate.entries`."""

    group: str
    split: NotRequired[str]
    source: NotRequired[str]
    sha256: NotRequired[str]
    source_height: NotRequired[int]
    source_width: NotRequired[int]
    foreground: NotRequired[float]
    mean: NotRequired[float]
    std: NotRequired[float]


class Source(TypedDict):
    """One without records."""

    source: str
    kind: NotRequired[str]


class Salted(TypedDict):
    """With which salt the names in a report are hashed."""

    file: str
    mark: str


class SplitReport(TypedDict):
    """`split_report.json`."""

    records: list[Row]
    salted: NotRequired[Salted]
    rejects: NotRequired[list[Source]]
    left_out: NotRequired[list[Source]]
    without_records: NotRequired[list[str]]


class RunSplitReport(SplitReport):
    """Of a run that is on, in the keys of today."""

    data_fingerprint: str
    sources: int
    splits: dict[str, Any]
    notes: list[dict[str, Any]]
    drift: dict[str, Any] | None


class _Tiles(TypedDict):
    edge: str


class _Data(TypedDict):
    adjust: NotRequired[dict[str, Any]]
    mask: NotRequired[dict[str, Any]]
    tiles: NotRequired[_Tiles | None]
    classes: NotRequired[list[str]]


class _Config(TypedDict):
    data: _Data


class Configured(TypedDict):
    """What is read of the config in a manifest."""

    config: _Config
