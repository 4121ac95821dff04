"""What became of every source: records, rejects and what was left out on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.example_gen.outcome import Outcome
from components.example_gen.samples import Listing, Reject


def account(listing: Listing, outcomes: Sequence[Outcome], fingerprint: str, splits: Sequence[str]) -> dict[str, Any]:
    """The contents of `account.json`, by the outcomes of the listing's samples, the fingerprint of the files and the
    splits of the run."""
    in_order = sorted(outcomes, key=lambda row: row.source)
    faults = [Reject(row.source, row.kind, row.reason) for row in outcomes if row.kind]
    return {
        "data_fingerprint": fingerprint,
        "sources": listing.sources,
        "records": {split: sum(row.records for row in outcomes if row.split == split) for split in splits},
        "rejects": _by_source([*listing.rejects, *faults]),
        "left_out": _by_source(listing.left_out),
        "without_records": sorted(row.source for row in outcomes if not row.kind and not row.records),
        "empty_tiles_dropped": sum(row.empty_tiles_dropped for row in outcomes),
        "lossy_masks": _lossy_masks(outcomes),
        "stray_pixels": _stray_pixels(outcomes),
        "lesions_lost": {row.source: row.lesions_lost for row in outcomes if row.lesions_lost},
        "cut_off": {row.source: row.cut_off for row in outcomes if row.cut_off},
        "truth": {row.source: row.truth for row in in_order if row.truth},
        "turns": {row.source: row.turns for row in in_order if row.turns},
    }


def _by_source(rejects: Sequence[Reject]) -> list[dict[str, str]]:
    return [asdict(reject) for reject in sorted(rejects, key=lambda reject: (reject.source, reject.reason))]


def _lossy_masks(outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
    """How much foreground the rule for lossy masks adds, or None where no mask is lossy."""
    rows = [row for row in outcomes if row.inflation is not None]
    if not rows:
        return None
    worst = max(rows, key=lambda row: row.inflation or 0)
    return {
        "count": len(rows),
        "mean_inflation": sum(row.inflation or 0 for row in rows) / len(rows),
        "max_inflation": worst.inflation,
        "worst": worst.source,
    }


def _stray_pixels(outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
    """How many sources have pixels that were read as another colour or value than theirs, or None where none has."""
    rows = [row for row in outcomes if row.stray]
    if not rows:
        return None
    worst = max(rows, key=lambda row: row.stray)
    return {"count": len(rows), "max_share": worst.stray, "worst": worst.source}
