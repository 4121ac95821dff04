"""Topics of the reporting sheet: data, reference standard, partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from components.artifacts import ACCOUNT_FILE
from components.imaging.adjust import Adjust
from components.records.splits import SPLITS
from components.run_report.core import shared_across_splits
from components.run_report.lineage import CONFIG, Paper
from components.run_report.sheet.rows import BOTH, CLAIM, Topic
from components.run_report.wording import listed
from components.serving_dir import SPLIT_REPORT_FILE


def _sources(account: Paper) -> str:
    return f"{account.at('sources')} sources in one folder, data fingerprint {account.at('data_fingerprint')}"


def _flow(account: Paper) -> str:
    rejects, records = account.at("rejects"), account.at("records")
    kinds = listed(Counter(reject["kind"] for reject in rejects))
    return (
        f"Of {account.at('sources')} sources {len(rejects)} were rejected{f' ({kinds})' if kinds else ''} and "
        f"{len(account.at('left_out'))} left out as the recipe asks; the rest became {sum(records.values())} records "
        f"({listed(records)})"
    )


def _missing(config: Paper) -> str:
    share = config.at("validation", "max_reject_fraction")
    return f"Nothing is filled in: a source that cannot be used whole is rejected; more than {share:.0%} stop the run"


def _preparation(config: Paper) -> str:
    data = config.at("data")
    if tiles := config.stated("data", "tiles"):
        derived = f"cut into tiles of {data['height']} x {data['width']} pixels ({listed(tiles)})"
    else:
        derived = f"brought to {data['height']} x {data['width']} pixels ({config.at('data', 'fit')})"
    adjusted = Adjust(**data["adjust"]).model_dump(exclude_defaults=True)
    values = f"adjusted ({listed(adjusted)})" if adjusted else "as they are"
    return f"Channels: {data['channels']}; {derived}; values {values}"


def _characteristics(report: Paper) -> str:
    return "; ".join(f"{name}: {_characteristic(split)}" for name, split in report.at("splits").items())


def _characteristic(split: Mapping[str, Any]) -> str:
    labels = listed(split.get("labels", {}))
    return f"{split['records']} records, {split['with_foreground']} with foreground{f' ({labels})' if labels else ''}"


def _sample_size(report: Paper) -> str:
    return "; ".join(f"{name}: {split['groups']} groups" for name, split in report.at("splits").items())


def _reference(config: Paper) -> str:
    classes = config.at("data", "classes")
    named = f"classes {', '.join(classes)}" if classes else "one class, foreground"
    form = config.at("data", "mask", "form")
    return f"As the files have it: layout {config.at('data', 'layout')}, {form} masks, {named}"


def _assignment(config: Paper) -> str:
    splits = config.at("data", "splits")
    if splits["test_groups"]:
        how = f"{len(splits['test_groups'])} groups are listed for the test"
    elif splits["test_site"]:
        how = f"site {splits['test_site']} is the test"
    else:
        shares = listed({name: splits[name] for name in SPLITS})
        how = f"by a hash of the group, in shares of {shares}"
    return f"{how}, unless the layout prescribes it; groups by {config.at('data', 'groups', 'by')}"


def _disjoint(report: Paper) -> str:
    records = report.at("records")
    groups, images = (shared_across_splits(records, key) for key in ("group", "sha256"))
    return f"Group (patient, pair or slide): {groups} groups and {images} identical images stand in two partitions"


def _internal(config: Paper) -> str:
    folds = config.stated("folds")
    return f"{folds['k']} folds, groups whole" if folds else "One validation split, groups whole"


def _external(config: Paper) -> str:
    site = config.stated("data", "splits", "test_site")
    return f"Tested on site {site}, which is in no other partition" if site else "None: no site was kept for the test"


DATA = (
    Topic("Data sources", BOTH, ACCOUNT_FILE, _sources),
    Topic("Inclusion, exclusion and flow", BOTH, ACCOUNT_FILE, _flow),
    Topic("Missing data", BOTH, CONFIG, _missing),
    Topic("Preparation of the images", BOTH, CONFIG, _preparation),
    Topic("Characteristics of each partition", BOTH, SPLIT_REPORT_FILE, _characteristics),
    Topic("Sample size", BOTH, SPLIT_REPORT_FILE, _sample_size),
    Topic("Age, sex and clinical characteristics", BOTH, for_a_person=True),
    Topic("Acquisition: devices and protocols", (CLAIM,), for_a_person=True),
)
REFERENCE = (
    Topic("Definition of the reference standard", BOTH, CONFIG, _reference),
    Topic("Annotators, their training and tools", BOTH, for_a_person=True),
    Topic("Variability between annotators", (CLAIM,), for_a_person=True),
)
PARTITIONS = (
    Topic("How data were assigned to partitions", BOTH, CONFIG, _assignment),
    Topic("Level at which partitions are disjoint", (CLAIM,), SPLIT_REPORT_FILE, _disjoint),
    Topic("Internal validation", BOTH, CONFIG, _internal),
    Topic("External testing", BOTH, CONFIG, _external),
)
