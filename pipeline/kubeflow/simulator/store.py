"""What stands for the cluster's object store and its metadata store: a folder and an SQLite file.

As in an object store there are no empty folders, and files are there under their address or not at all. As in the
metadata store of Kubeflow an artifact has a number, and comes back without its type. After UploadBlob and DownloadBlob
in backend/src/v2/objectstore, and RecordArtifact in backend/src/v2/metadata/client.go of kubeflow/pipelines.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipeline.kubeflow.container.uris import local_path
from pipeline.kubeflow.simulator.driver import Finished

_TABLES = """
create table if not exists artifacts (id integer primary key autoincrement, artifact text not null);
create table if not exists cache (
    pipeline text, fingerprint text, parameters text not null, artifacts text not null,
    primary key (pipeline, fingerprint)
);
"""


class Store:
    """The stores below a folder. What a killed process had begun to write is never referred to."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / "store"
        self._database = folder / "metadata.sqlite"
        with self._connection() as connection:
            connection.executescript(_TABLES)

    def download(self, uri: str, root: Path) -> None:
        """Copies what is stored under an address to the launcher's local path."""
        _copy_files(local_path(uri, self._files), local_path(uri, root))

    def upload(self, uri: str, root: Path) -> None:
        """Copies the launcher's local path to its address."""
        _copy_files(local_path(uri, root), local_path(uri, self._files))

    def path(self, uri: str) -> Path:
        """The folder with the files of an artifact, or its file."""
        return local_path(uri, self._files)

    def record(
        self, pipeline: str, fingerprint: str, parameters: Mapping[str, Value], artifacts: Mapping[str, Any]
    ) -> Finished:
        """Gives the uploaded artifacts numbers, and keeps them for the cache where there is a fingerprint.

        All of it happens or nothing.
        """
        with self._connection() as connection, connection:
            numbered = {name: _numbered(connection, name, artifact) for name, artifact in artifacts.items()}
            if fingerprint:
                connection.execute(
                    "insert or replace into cache values (?, ?, ?, ?)",
                    (pipeline, fingerprint, _json(parameters), _json(numbered)),
                )
        return Finished(dict(parameters), numbered)

    def cached(self, pipeline: str, fingerprint: str) -> Finished | None:
        """What an earlier execution with this fingerprint came to."""
        with self._connection() as connection:
            row = connection.execute(
                "select parameters, artifacts from cache where pipeline = ? and fingerprint = ?",
                (pipeline, fingerprint),
            ).fetchone()
        if row is None:
            return None
        parameters, artifacts = map(json.loads, row)
        return Finished(
            {name: json_format.ParseDict(value, Value()) for name, value in parameters.items()},
            {name: json_format.ParseDict(value, pb.RuntimeArtifact()) for name, value in artifacts.items()},
        )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._database)) as connection:
            yield connection


def as_recorded(name: str, artifact: pb.RuntimeArtifact, number: int) -> pb.RuntimeArtifact:
    """An artifact as the metadata store gives it back.

    The type is gone, truth values are numbers, lists and tables are wrapped; a name for people has been added.

    Raises:
        ValueError: a value is null, on which Kubeflow's launcher fails.
    """
    metadata = Struct()
    for key, value in artifact.metadata.fields.items():
        metadata.fields[key].CopyFrom(_as_recorded(key, value))
    metadata.fields["store_session_info"].string_value = "{}"
    if "display_name" not in metadata.fields:
        metadata.fields["display_name"].string_value = name
    untyped = pb.ArtifactTypeSchema(instance_schema="")
    return pb.RuntimeArtifact(name=str(number), uri=artifact.uri, type=untyped, metadata=metadata)


def _as_recorded(key: str, value: Value) -> Value:
    kind = value.WhichOneof("kind")
    result = Value()
    if kind == "bool_value":
        result.number_value = value.bool_value
    elif kind == "list_value":
        result.struct_value.fields["list"].CopyFrom(value)
    elif kind == "struct_value":
        result.struct_value.fields["struct"].CopyFrom(value)
    elif kind in ("string_value", "number_value"):
        result.CopyFrom(value)
    else:
        raise ValueError(f"metadata {key!r}: null is not supported by Kubeflow")
    return result


def _numbered(connection: sqlite3.Connection, name: str, artifact: pb.RuntimeArtifact) -> pb.RuntimeArtifact:
    cursor = connection.execute("insert into artifacts (artifact) values (?)", (json_format.MessageToJson(artifact),))
    return as_recorded(name, artifact, cursor.lastrowid or 0)


def _json(messages: Mapping[str, Any]) -> str:
    return json.dumps({name: json_format.MessageToDict(message) for name, message in messages.items()})


def _copy_files(source: Path, target: Path) -> None:
    for path in [source, *sorted(source.rglob("*"))]:
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
