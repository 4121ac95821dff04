"""Where a graph reads and writes."""

from __future__ import annotations

from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes."""

    name: str
    """Of the pipeline: runs of one name and one metadata store share their cached results."""
    data: str
    files: str
    """Fingerprint of the input files."""
    held_out: str | None
    """The groups that the champion's memory puts into the test split, as JSON; None: to be found when the node runs,
    because a graph is compiled once and run many times."""
    champion_content: str | None
    """Digest of the files of the version that is served, empty for none; None likewise."""
    notice: str
    """What must be said of the data wherever their numbers stand."""
    root: str
    """Folder of the artifacts."""
    serving: str
    schema: str
    """Path of the schema; it must change with the contents."""
    run: str
    """Id of this run."""
    metadata: metadata_store_pb2.ConnectionConfig | None
    """None: the platform keeps its own."""


NOWHERE = Place(
    name="nowhere",
    data="",
    files="",
    held_out=None,
    champion_content=None,
    notice="",
    root="",
    serving="",
    schema="",
    run="",
    metadata=None,
)
"""Of a graph that is looked at and never run."""
