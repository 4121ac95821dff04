"""What of the data gate's papers goes with a version, which may be handed to others than those who have the data."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from components.artifacts import MADE_ANEW, read_artifact
from components.errors import UsageError
from components.files import write_json
from components.pusher.settings import Disclosure, PusherSettings
from components.seen.hiding import Hiding
from components.seen.names import AS_THEY_ARE, Names, make_salt
from components.seen.prints import SIGNATURES_FILE, read_prints, write_prints
from components.serving_dir import SPLIT_REPORT_FILE
from components.serving_papers import SplitReport

_NAMES = ("id", "group", "source", "derived_from")
"""Columns of a split report's records."""
_NAMELESS = ("data_fingerprint", "sources", "splits", "drift")
"""Keys of a split report that hold no name."""
SALT_FILE = "salt"
"""Beside the serving folder."""


def disclose(papers: Path, folder: Path, asked: Disclosure, serving: Path) -> list[Path]:
    """The papers of a version, where they are not the data gate's own written into `folder`.

    Raises:
        UsageError: as `names_asked`.
    """
    disclosed = [papers / SPLIT_REPORT_FILE]
    if asked.salt:
        report = read_artifact(papers / SPLIT_REPORT_FILE, SplitReport)
        disclosed = [folder / SPLIT_REPORT_FILE]
        write_json(
            folder / SPLIT_REPORT_FILE, salted(report, names_asked(asked, serving), str(Path(asked.salt).resolve()))
        )
    if asked.signatures == "full":
        disclosed.append(papers / SIGNATURES_FILE)
    elif asked.signatures == "coarse":
        write_prints(folder / SIGNATURES_FILE, read_prints(papers / SIGNATURES_FILE, MADE_ANEW).coarse)
        disclosed.append(folder / SIGNATURES_FILE)
    return disclosed


def names_asked(asked: Disclosure, serving: Path) -> Names:
    """How names are written, by a salt that is made where it is missing.

    Raises:
        UsageError: it would lie with the models, cannot be made or read, or is none.
    """
    if not asked.salt:
        return AS_THEY_ARE
    path = Path(asked.salt).resolve()
    if path.is_relative_to(serving.resolve()):
        raise UsageError(f"[serving] salt: {path} lies in the serving folder, which goes to others. Choose another.")
    return make_salt(path)


def names_for_others(serving: Path, config: Mapping[str, Any]) -> Names:
    """Ids for the names in what is handed on of a run or its model: by the salt of its recipe, else by one that is kept
    beside the serving folder.

    Raises:
        UsageError: as `names_asked`.
    """
    return names_asked(
        Disclosure(salt=config.get("serving", {}).get("salt") or str(serving.parent / SALT_FILE)), serving
    )


def disclosed_provenance(settings: PusherSettings, serving: Path) -> dict[str, Any]:
    """What the manifest says of recipe and config: with a salt without the names in a list of test groups, and those of
    folders in limits."""
    told = deepcopy(settings.model_dump(exclude={"disclosure"}))
    listed = told["config"].get("data", {}).get("splits", {})
    names = names_asked(settings.disclosure, serving)
    if "test_groups" in listed:
        listed["test_groups"] = list(map(names, listed["test_groups"]))
    if settings.disclosure.salt and "evaluation" in told["config"]:
        told["config"]["evaluation"] = Hiding.of(names, (), ()).whole(told["config"]["evaluation"])
    return told


def disclosed_metrics(metrics: Mapping[str, Any], asked: Disclosure, serving: Path) -> Mapping[str, Any]:
    """What the manifest says of the evaluation: with a salt without the names of folders."""
    if not asked.salt:
        return metrics
    slices = [*metrics.get("slices", ()), *(limit["slice"] or "" for limit in metrics.get("limits", ()))]
    return Hiding.of(names_asked(asked, serving), (), (), slices).whole(metrics)


def salted(report: SplitReport, names: Names, salt: str) -> dict[str, Any]:
    """What is read of a version's report, by ids; findings and summaries of masks, which name files, are not. `salt`
    says where it is."""
    told: Mapping[str, Any] = report
    rows = [{**row, **{key: names(row[key]) for key in _NAMES if key in row}} for row in told["records"]]
    sources = {
        key: [{"source": names(one["source"]), "kind": one.get("kind", "")} for one in told.get(key, ())]
        for key in ("rejects", "left_out")
    }
    return {
        **{key: told[key] for key in _NAMELESS if key in told},
        **sources,
        "without_records": sorted(map(names, told.get("without_records", ()))),
        "salted": {"file": salt, "mark": names.mark},
        # In the order of their names, that would tell of them.
        "records": sorted(rows, key=lambda row: (row.get("split", ""), row.get("id", row["group"]))),
    }
