"""Whether the records look as those did that the champion learnt from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from components.data_gate.findings import Finding, finding
from components.records.settings import Derivation

MIN_GROUPS = 10
"""Groups on either side below which nothing can be told."""
LEVEL = 0.01
"""Probability of a false alarm of all features together, where nothing has changed."""

DRIFT, SAME, TOO_FEW, OTHER_RECIPE = "drift", "no drift", "too few to tell", "other recipe"

_FEATURES = {
    "intensity mean": "mean",
    "intensity spread": "std",
    "source height": "source_height",
    "source width": "source_width",
    "foreground share": "foreground",
    "empty masks": "foreground",
}
"""What is compared, and the column of the split report that it is computed from."""
OF_SOURCES = ("source height", "source width")
"""What does not depend on how records are derived."""
RECIPE = frozenset({*Derivation.model_fields, "mask", "regions", "classes"}) - {"orientation"}
"""The keys of `[data]` that change what records measure: where they differ, the data need not. Turned, they measure
the same."""


@dataclass(frozen=True)
class Feature:
    """How one feature is distributed over the groups, in the champion's data and now."""

    name: str
    verdict: str
    """`DRIFT`, `SAME`, `TOO_FEW`, or `OTHER_RECIPE` where records are derived otherwise than the champion's."""
    champion_groups: int
    groups: int
    champion_median: float | None = None
    median: float | None = None
    statistic: float | None = None
    """Kolmogorov-Smirnov: the largest distance of the two cumulative distributions, 0 to 1."""
    p_value: float | None = None

    def __str__(self) -> str:
        return (
            f"{self.name}: median {self.champion_median:.4g} became {self.median:.4g}, "
            f"distance {self.statistic:.2f}, p = {self.p_value:.1g}"
        )


def compare(
    champion: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], max_drift: float, same_recipe: bool = True
) -> list[Feature]:
    """Each feature of the champion's records against the records now, both as rows of a split report.

    Records of one group are no independent observations, so each group counts once, with its mean. A feature has
    drifted when the Kolmogorov-Smirnov statistic is above `max_drift` and its p-value below `LEVEL` divided by the
    number of features (Bonferroni). Where the recipe derives records otherwise (not `same_recipe`), only what is known
    of the sources is compared.
    """
    return [
        _compare(name, _values(champion, name), _values(now, name), max_drift)
        if same_recipe or name in OF_SOURCES
        else Feature(name, OTHER_RECIPE, 0, 0)
        for name in _FEATURES
    ]


def drift(features: Sequence[Feature], version: str, max_drift: float) -> Iterator[Finding]:
    """The features that have drifted away from the data of the champion `version`."""
    return finding(
        "drift",
        f"the data are unlike those of the champion, version {version} ([validation] max_drift allows a distance of "
        f"{max_drift:g})",
        "Look for another scanner, exposure, export or set of cases, and mend it. If the new data are what the next "
        "model must learn, raise [validation] max_drift for this run; 1 allows everything.",
        (str(feature) for feature in features if feature.verdict == DRIFT),
        stops=True,
    )


def _compare(name: str, champion: np.ndarray, now: np.ndarray, max_drift: float) -> Feature:
    if min(len(champion), len(now)) < MIN_GROUPS:
        return Feature(name, TOO_FEW, len(champion), len(now))
    test = ks_2samp(champion, now, method="asymp")
    drifted = test.statistic > max_drift and test.pvalue < LEVEL / len(_FEATURES)
    return Feature(
        name=name,
        verdict=DRIFT if drifted else SAME,
        champion_groups=len(champion),
        groups=len(now),
        champion_median=float(np.median(champion)),
        median=float(np.median(now)),
        statistic=float(test.statistic),
        p_value=float(test.pvalue),
    )


def _values(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """One value for each group that has the feature; reports of earlier versions lack some."""
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        value = row.get(_FEATURES[name])
        if value is None or (name == "foreground share" and value == 0):
            continue
        groups[row["group"]].append(value == 0 if name == "empty masks" else value)
    return np.array([np.mean(values) for values in groups.values()])
