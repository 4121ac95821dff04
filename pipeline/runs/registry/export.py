"""A version in one file, with its report, its proof and what may be done with it, for a machine without its data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from components.artifacts import TRAINING_FILE, Trained
from components.disk import ask_room, folder_size
from components.errors import UsageError
from components.files import replacing, write_json, write_text
from components.pusher.disclosure import salted
from components.seen.hiding import Hiding
from components.seen.names import Names
from components.serving_dir import MANIFEST_FILE, SPLIT_REPORT_FILE, check_files, read_paper, read_split_report
from components.serving_papers import Manifest, SplitReport
from pipeline.runs.anonymous import names_of_version
from pipeline.runs.new_folder import refuse_existing
from pipeline.runs.record import RUN_FILE
from pipeline.runs.registry.listing import manifest_of, serving_folder
from pipeline.runs.report import report_of, write_again

REPORT, LICENCES = "report", "licences"
"""Folders beside the model's files."""
_NAMES = ("id", "group")
_SALT = "kept by whoever has exported this"


def export(folder: Path, version: str | None, out: Path, anonymous: bool) -> dict[str, Any]:
    """Writes a version, without one the champion, into the file `out`: whole, or not at all.

    Args:
        folder: a serving folder, or an output folder.
        version: a number.
        out: a new file, .zip.
        anonymous: whether salted ids stand in place of names; pixels, as in pictures of the report, stay.

    Returns:
        What is in it: `version`, `out`, `bytes`, and `report`, the run it is of, or None where that is gone.

    Raises:
        UsageError: there is no such version, or `out` is there already or no .zip.
        BrokenState: the version is not what was pushed.
    """
    from components.weights import check_weights  # TensorFlow, only where there is something to check

    refuse_existing(out)
    if out.suffix.lower() != ".zip":
        raise UsageError(f"{out}: expected the name of a .zip")
    serving = serving_folder(folder)
    manifest = manifest_of(serving, version)
    source = serving / manifest["version"]
    check_files(source)
    check_weights(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    ask_room(out.parent, folder_size(source), f"the export of {source}")
    with TemporaryDirectory(prefix=".maskline-", dir=out.parent) as temporary:
        copy = Path(temporary) / f"model-{manifest['version']}"
        shutil.copytree(source, copy)
        if anonymous:
            manifest = _hide(copy, manifest, names_of_version(source))
        run = _run_of(serving, manifest)
        if run:
            _add_report(run, copy / REPORT, anonymous)
        _add_licences(copy / LICENCES, manifest)
        _pack(copy, out)
    return {
        "version": manifest["version"],
        "out": str(out),
        "bytes": out.stat().st_size,
        "report": run and run.name,
        "anonymous": anonymous,
    }


def _hide(copy: Path, manifest: Manifest, names: Names) -> Manifest:
    """Salted ids for the names in a version's papers; returns its manifest."""
    from components.weights import model_sha256

    report = read_split_report(copy)
    hiding = Hiding.of(names, _named(report), _sources(report), _slices(manifest))
    if report:
        papers = report if "salted" in report else salted(report, names, _SALT)
        write_json(copy / SPLIT_REPORT_FILE, {**papers, "salted": {"file": _SALT, "mark": names.mark}})
    training = copy / "assets.extra" / TRAINING_FILE
    write_json(training, hiding.whole(read_paper(training, Trained)))
    kept = {key: value for key, value in manifest.items() if key != "config"}
    # How it was trained is part of what the weights are known by.
    hidden = {**hiding.whole(kept), "config": hiding.config(manifest.get("config", {}))}
    hidden["model_sha256"] = model_sha256(copy)
    write_json(copy / MANIFEST_FILE, hidden)
    return read_paper(copy / MANIFEST_FILE, Manifest)


def _named(report: SplitReport | None) -> Iterator[str]:
    rows: Iterable[Mapping[str, Any]] = report["records"] if report else ()
    for row in rows:
        yield from (row[key] for key in _NAMES if key in row)


def _sources(report: SplitReport | None) -> Iterator[str]:
    if report:
        rows = (*report["records"], *report.get("rejects", ()), *report.get("left_out", ()))
        yield from (row["source"] for row in rows if "source" in row)


def _slices(manifest: Manifest) -> list[str]:
    metrics = manifest.get("metrics", {})
    return [*metrics.get("slices", ()), *(limit.get("slice") or "" for limit in metrics.get("limits", ()))]


def _run_of(serving: Path, manifest: Manifest) -> Path | None:
    """The folder of the run that has pushed it, where that and its report still stand beside the serving folder."""
    run = serving.parent / "runs" / str(manifest.get("run"))
    return run if (run / RUN_FILE).is_file() and report_of(str(run)).is_file() else None


def _add_report(run: Path, folder: Path, anonymous: bool) -> None:
    if anonymous:
        write_again(str(run), folder, anonymous=True)
    else:
        shutil.copytree(report_of(str(run)).parent, folder)


def _add_licences(folder: Path, manifest: Manifest) -> None:
    """Of the code its text; of weights that were not drawn, where they came from and what is known of theirs."""
    folder.mkdir()
    code = metadata.distribution("maskline")
    for path in code.files or ():
        if path.name == "LICENSE":
            write_text(folder / "maskline-LICENSE.txt", path.read_text())
    weights = manifest.get("weights") or {"source": "drawn at random, and learnt from the data alone"}
    told = {"maskline": {"version": code.version, "licence": code.metadata["License-Expression"]}, "weights": weights}
    write_text(folder / "licences.json", json.dumps(told, indent=2) + "\n")


def _pack(folder: Path, out: Path) -> None:
    """The same files make the same bytes."""
    with replacing(out) as file, ZipFile(file, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = ZipInfo(path.relative_to(folder.parent).as_posix())
            member.external_attr, member.compress_type = 0o644 << 16, ZIP_DEFLATED
            with path.open("rb") as content, archive.open(member, "w", force_zip64=True) as packed:
                shutil.copyfileobj(content, packed)
