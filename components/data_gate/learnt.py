"""Whether the champion has learnt what it is about to be tested on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.data_gate.entries import Entry
from components.data_gate.findings import Finding, finding

_BACK = "put the test list or site, the source's own splits and the names of the groups back"
_WARM = (
    "A model that starts from its weights would be tested on what they know. Start cold ([training] warm_start = "
    f"false) until a version is pushed, or {_BACK}."
)
_COLD = (
    f"Its numbers on them are too good, so that a better candidate may be refused. {_BACK.capitalize()}; "
    "or delete CHAMPION.json, and the next model that passes the other limits is served."
)


def learnt_by_champion(
    entries: Sequence[Entry], champion: Sequence[Mapping[str, Any]], version: str, *, warm_start: bool
) -> Iterator[Finding]:
    """The test images of now whose group or pixels the champion was trained or validated on.

    Groups that are drawn are none of these (`components.example_gen.memory`). It happens where a test list, a site or
    the source puts them into test, or where they have another name now. A candidate that starts from the champion's
    weights would be tested on what they know, and so the run stops. Its own data alone are known: what a champion
    before it has learnt, its report does not say.
    """
    # Reports of earlier versions lack some columns.
    learnt = [row for row in champion if row.get("split") in ("train", "eval")]
    groups, pixels = ({row.get(key) for row in learnt} for key in ("group", "sha256"))
    found = [entry for entry in entries if entry.split == "test" and (entry.group in groups or entry.sha256 in pixels)]
    return finding(
        "the champion has learnt test images",
        f"in the test split now, but in train or eval of the champion, version {version}",
        _WARM if warm_start else _COLD,
        dict.fromkeys(map(str, found)),
        stops=warm_start,
    )
