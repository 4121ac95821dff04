"""Artifact I/O of ImageMaskExampleGen."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.artifacts import ACCOUNT_FILE
from components.disk import ask_room
from components.example_gen.account import account
from components.example_gen.listing import fingerprint, list_samples
from components.example_gen.memory import held_out
from components.example_gen.outcome import Outcome
from components.example_gen.settings import DataSettings
from components.example_gen.shards import WriteShard, plan_shards
from components.files import write_json
from components.records.tfexample import record_count, remove_unfinished


class Executor(BaseBeamExecutor):
    """Lists the input folder, writes the shards in Beam, and accounts for every source."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        data = DataSettings.model_validate_json(exec_properties["settings"])
        root = Path(exec_properties["input_base"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        # Taken before anything is read, so that it never covers what comes later.
        files = fingerprint(root, data)
        listing = list_samples(root, data, _held_out(root, data, exec_properties))
        shards = plan_shards(listing.samples, data)
        outcomes = f"{examples.uri}/outcomes.jsonl"
        ask_room(Path(examples.uri).parent, _least_size(len(listing.samples), data), "the records")
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | beam.Create(shards, reshuffle=True)
                | beam.ParDo(WriteShard(str(root), examples.uri, data))
                | beam.io.WriteToText(outcomes, shard_name_template="")
            )
        remove_unfinished(examples.uri)
        rows = _outcomes(Path(outcomes))
        splits = data.run_splits
        _check_nothing_lost(rows, len(listing.samples), {split: record_count(examples.uri, split) for split in splits})
        write_json(Path(examples.uri) / ACCOUNT_FILE, account(listing, rows, files, splits))
        examples.split_names = artifact_utils.encode_split_names(list(splits))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)


def _least_size(samples: int, data: DataSettings) -> int:
    """Bytes of the records of samples, which have more with tiles or more than 8 bits; PNG packs hardly any image to
    less than a tenth."""
    return samples * math.prod(data.shape) // 10


def _held_out(root: Path, data: DataSettings, parameters: Mapping[str, Any]) -> list[str] | None:
    """As it was when the run started; on a cluster, where that is not known, as it is now."""
    if (given := parameters.get("held_out")) is not None:
        return json.loads(given)
    return held_out(root, data, Path(parameters["serving_dir"]))


def _outcomes(path: Path) -> list[Outcome]:
    rows = [Outcome(**json.loads(line)) for line in path.read_text().splitlines()]
    path.unlink()
    return rows


def _check_nothing_lost(rows: Sequence[Outcome], samples: int, written: Mapping[str, int]) -> None:
    """Beam runners have been seen to lose elements without an error (tensorflow/data-validation #247)."""
    if len(rows) != samples:
        raise RuntimeError(f"{samples} samples went into Beam, {len(rows)} came out")
    promised = Counter({split: sum(row.records for row in rows if row.split == split) for split in written})
    if promised != Counter(written):
        raise RuntimeError(f"records made, by split: {dict(promised)}; records found in the files: {dict(written)}")
