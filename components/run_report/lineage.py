"""What a report was made from: each file by its SHA-256, the code, the libraries, the processor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.serving_dir import SPLIT_REPORT_FILE

CODE, CONFIG, ENVIRONMENT, MODEL = "code", "config", "environment", "model"
"""Papers that are no file: their SHA-256 is that of their JSON, keys sorted; of a model as `model_sha256` has it."""
OUT_OF_FOLD = "metrics.json, out of fold"


class NotRecorded(LookupError):
    """A paper does not say it."""


@dataclass(frozen=True)
class Paper:
    """What a node has left, by which the report says something."""

    artifact: str
    """Its kind, such as `ModelEvaluation`."""
    sha256: str
    content: Mapping[str, Any] = field(repr=False)

    def at(self, *keys: str) -> Any:
        """What stands under a key, and what below that.

        Raises:
            NotRecorded: nothing, null or an empty text.
        """
        found = self.stated(*keys)
        if found is None or found == "":
            raise NotRecorded(keys)
        return found

    def stated(self, *keys: str) -> Any:
        """As `at`, where null and an empty text say something, too."""
        found: Any = self.content
        for key in keys:
            if not isinstance(found, Mapping) or key not in found:
                raise NotRecorded(keys)
            found = found[key]
        return found


def lineage(papers: Mapping[str, Paper]) -> dict[str, Any]:
    """The hashes of all papers, what those of code and environment say, and the fingerprint of the sources."""
    told = {name: papers[name].content for name in (CODE, ENVIRONMENT, SPLIT_REPORT_FILE) if name in papers}
    return {
        "data_fingerprint": told.get(SPLIT_REPORT_FILE, {}).get("data_fingerprint"),
        "papers": {name: {"artifact": paper.artifact, "sha256": paper.sha256} for name, paper in papers.items()},
        "code": dict(told.get(CODE, {})),
        "environment": dict(told.get(ENVIRONMENT, {})),
    }


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_paper(artifact: str, content: Mapping[str, Any]) -> Paper:
    """Of what stands in no file of its own."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    return Paper(artifact, digest.hexdigest(), content)
