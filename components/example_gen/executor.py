"""Artifact I/O of ImageMaskExampleGen."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.artifacts import REJECTS_FILE
from components.example_gen.listing import list_samples
from components.example_gen.samples import Listing, Reject
from components.example_gen.shards import WriteShard, plan_shards
from components.files import write_json
from components.splits import SPLITS


class Executor(BaseBeamExecutor):
    """Lists the input folder, writes the shards in Beam, and accounts for every source."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        data = json.loads(exec_properties["settings"])
        root = exec_properties["input_base"]
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        listing = list_samples(Path(root), data)
        shards = plan_shards(listing.samples, data)
        outcomes = f"{examples.uri}/outcomes.jsonl"
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | beam.Create(shards, reshuffle=True)
                | beam.ParDo(WriteShard(root, examples.uri, data))
                | beam.io.WriteToText(outcomes, shard_name_template="")
            )
        _account(listing, Path(outcomes), Path(examples.uri))
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)


def _account(listing: Listing, outcomes: Path, output: Path) -> None:
    """Writes `rejects.json`; records plus rejects must be the sources, or data were lost on the way."""
    rows = [json.loads(line) for line in outcomes.read_text().splitlines()]
    if len(rows) != len(listing.samples):
        raise RuntimeError(f"{len(listing.samples)} samples went into Beam, {len(rows)} came out")
    records = Counter(row["split"] for row in rows if row["reason"] is None)
    rejects = [*listing.rejects, *(Reject(row["source"], row["reason"]) for row in rows if row["reason"])]
    write_json(
        output / REJECTS_FILE,
        {
            "sources": listing.sources,
            "records": {split: records[split] for split in SPLITS},
            "rejects": [asdict(reject) for reject in sorted(rejects, key=lambda reject: reject.source)],
        },
    )
    outcomes.unlink()
