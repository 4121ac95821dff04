"""The metadata store of an output folder, which says what is cached: looked at before it is used."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.foreign import foreign
from pipeline.runs.leftovers import Artifact, artifact_of

STORE_FILE = "metadata.sqlite"

_PATIENCE = 5.0
"""Seconds that another program has for its end."""
_ANEW = "Delete it: what is lost is the memory of finished steps, which run again; served models stay"
_FAULTS = {
    "SQLITE_BUSY": "another program is using it. End that program",
    "SQLITE_LOCKED": "another program is using it. End that program",
    "SQLITE_READONLY": "it cannot be written. Make it yours",
    "SQLITE_CANTOPEN": "it cannot be opened. Make it yours",
    "SQLITE_IOERR": "it cannot be read or written. Look whether its disk is well",
    "SQLITE_FULL": "no room",
}
"""By SQLite's names, without what comes after a second underscore; whatever is not here is damage."""


def check_store(path: Path) -> None:
    """Does nothing where there is none yet.

    Raises:
        UsageError: it is damaged, locked or cannot be written.
    """
    if not path.exists():
        return
    # SQLite takes it for a new one, of which nothing is remembered.
    if not path.stat().st_size and any(path.parent.glob("artifacts/*/*/*")):
        raise UsageError(f"{path}: is empty, beside artifacts. {_ANEW}.")
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE)) as store:
            store.execute("BEGIN IMMEDIATE")
            [(verdict,)] = store.execute("PRAGMA quick_check(1)").fetchall()
            store.rollback()
    except sqlite3.Error as error:
        name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        fault = _FAULTS.get(name, f"is no whole SQLite file. {_ANEW}")
        raise UsageError(f"{path}: {fault} ({error})") from error
    if verdict != "ok":
        raise UsageError(f"{path}: is damaged. {_ANEW} ({verdict})")


def finished_artifacts(connection: Any) -> Iterator[Path]:
    """The folders of all artifacts that finished nodes have left, oldest first; `connection` is TFX's config of it.

    Raises:
        UsageError: it is no store that this version of TFX reads.
    """
    from tfx.orchestration.metadata import Metadata

    path = connection.sqlite.filename_uri
    with foreign(UsageError, f"{path}: is no metadata store of this version. {_ANEW}"), Metadata(connection) as handle:
        artifacts = handle.store.get_artifacts()
    return (Path(artifact.uri) for artifact in sorted(artifacts, key=lambda artifact: artifact.id))


def made_of(path: Path, artifacts: Collection[Artifact]) -> tuple[set[Artifact], set[Artifact]]:
    """All finished artifacts, and those among them that `artifacts` were made of, directly or not, and themselves; with
    an artifact the others that the same execution has left.

    Raises:
        UsageError: it is no store that this version of TFX reads.
    """
    from ml_metadata.proto.metadata_store_pb2 import Event
    from tfx.orchestration.metadata import Metadata, sqlite_metadata_connection_config

    check_store(path)
    connection = sqlite_metadata_connection_config(str(path))
    with foreign(UsageError, f"{path}: is no metadata store of this version. {_ANEW}"), Metadata(connection) as handle:
        named = {each.id: artifact_of(Path(each.uri)) for each in handle.store.get_artifacts()}
        events = handle.store.get_events_by_artifact_ids([*named]) if named else []
    inputs, outputs = defaultdict[int, set[int]](set), defaultdict[int, set[int]](set)
    for event in events:
        (outputs if event.type == Event.OUTPUT else inputs)[event.execution_id].add(event.artifact_id)
    needed = {id for id, name in named.items() if name in artifacts}
    # Inputs are older than what is made of them.
    for execution in sorted(outputs, reverse=True):
        if needed & outputs[execution]:
            needed |= outputs[execution] | inputs[execution]
    return set(named.values()), {named[id] for id in needed}


def made_by(path: Path, uri: str) -> tuple[dict[str, Any], str] | None:
    """The inputs by key, each one artifact, and the settings of the node that has made the artifact in a folder; None
    where the store does not know.

    Raises:
        UsageError: it is no store that this version of TFX reads.
    """
    from ml_metadata.proto.metadata_store_pb2 import Event
    from tfx.orchestration.metadata import Metadata, sqlite_metadata_connection_config
    from tfx.orchestration.portable.mlmd.execution_lib import get_input_artifacts

    check_store(path)
    connection = sqlite_metadata_connection_config(str(path))
    with foreign(UsageError, f"{path}: is no metadata store of this version. {_ANEW}"), Metadata(connection) as handle:
        artifacts = handle.store.get_artifacts_by_uri(uri)
        events = handle.store.get_events_by_artifact_ids([artifact.id for artifact in artifacts])
        made = [event.execution_id for event in events if event.type == Event.OUTPUT]
        if not made:
            return None
        [execution] = handle.store.get_executions_by_id([max(made)])
        inputs = {key: found for key, (found, *_) in get_input_artifacts(handle, execution.id).items()}
        return inputs, execution.custom_properties["settings"].string_value
