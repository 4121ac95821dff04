"""Whether the champion has learnt what it is about to be tested on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.data_gate.entries import Entry
from components.data_gate.findings import Finding, finding
from components.records.splits import TEST
from components.seen.names import AS_THEY_ARE, Names

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
    entries: Sequence[Entry],
    champion: Sequence[Mapping[str, Any]],
    version: str,
    names: Names = AS_THEY_ARE,
    *,
    warm_start: bool,
) -> Iterator[Finding]:
    """The images of now on which the champion's weights would be tested or validated although they know them.

    Groups that are drawn into test are none of these (`components.example_gen.memory`). It happens where a test list, a
    site or the source puts them there. A candidate that starts from the champion's weights would be tested on what they
    know, and so the run stops. Its own data alone are known: what a champion before it has learnt, its report does not
    say.
    """
    if not champion:
        yield from _unknown(version, warm_start)
        return
    # Reports of earlier versions lack some columns.
    learnt = [row for row in champion if row.get("split") not in (None, TEST)]
    yield from finding(
        "the champion has learnt test images",
        f"in the test split now, but learnt by the champion, version {version}",
        _WARM if warm_start else _COLD,
        dict.fromkeys(map(str, _known(entries, TEST, learnt, names))),
        stops=warm_start,
    )
    if warm_start:
        trained = [row for row in learnt if row["split"] != "eval"]
        yield from finding(
            "the champion was trained on validation images",
            f"in the eval split now, but trained on by the champion, version {version}, from whose weights it starts",
            "Its best epoch is chosen partly on what the weights know. Start cold where data have been added: "
            "[training] warm_start = false.",
            dict.fromkeys(map(str, _known(entries, "eval", trained, names))),
            stops=False,
        )


def _known(entries: Sequence[Entry], split: str, rows: Sequence[Mapping[str, Any]], names: Names) -> Iterator[Entry]:
    """The entries of a split whose group or pixels are among some rows of a report."""
    groups, pixels = ({row.get(key) for row in rows} for key in ("group", "sha256"))
    own = (entry for entry in entries if entry.split == split)
    return (entry for entry in own if names(entry.group) in groups or entry.sha256 in pixels)


def _unknown(version: str, warm_start: bool) -> Iterator[Finding]:
    return finding(
        "what the champion has learnt is not known",
        "no split report beside the champion",
        "It may have learnt what is tested now. Start cold ([training] warm_start = false), or put split_report.json "
        "back."
        if warm_start
        else "Its numbers may be too good. Put split_report.json back, or delete CHAMPION.json.",
        [f"version {version}"],
        stops=warm_start,
    )
