"""The records of an Examples artifact, and the account beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tfx.types import Artifact

from components.records.record import Record
from components.records.splits import SPLITS
from components.records.tfexample import parse, read_split, shard_name

Make = Callable[..., Artifact]


def records(examples: Artifact) -> dict[str, list[Record]]:
    return {split: [parse(item) for item in read_split(examples.uri, split)] for split in SPLITS}


def account(examples: Artifact) -> dict:
    return json.loads((Path(examples.uri) / "account.json").read_text())


def write_split(folder: Path, split: str, items: list[bytes], shards: int = 1) -> None:
    (folder / f"Split-{split}").mkdir(parents=True)
    for index in range(shards):
        with tf.io.TFRecordWriter(str(folder / f"Split-{split}" / shard_name(index, shards))) as writer:
            for item in items[index::shards]:
                writer.write(item)
