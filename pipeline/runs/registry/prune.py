"""What is not needed any more goes: old versions, and artifacts of runs that are neither served nor the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.disk import folder_size
from components.errors import ExitCode, UsageError
from components.files import locked
from components.serving_dir import champion_version, exclusive, read_manifest, versions
from components.serving_push import UNFINISHED, remove_version
from pipeline.runs.contents import remove
from pipeline.runs.folders import RUN_LOCK, list_runs
from pipeline.runs.leftovers import artifact_of
from pipeline.runs.registry.listing import serving_folder
from pipeline.runs.served import SERVING
from pipeline.runs.store import STORE_FILE, made_of


@dataclass(frozen=True)
class Unneeded:
    """Folders, each with its bytes."""

    versions: dict[Path, int]
    artifacts: dict[Path, int]

    @property
    def size(self) -> int:
        return sum((*self.versions.values(), *self.artifacts.values()))

    def as_json(self) -> dict[str, Any]:
        return {
            "versions": {path.name: size for path, size in self.versions.items()},
            "artifacts": {"/".join(artifact_of(path)): size for path, size in self.artifacts.items()},
            "bytes": self.size,
        }


def unneeded(folder: Path, keep: int) -> Unneeded:
    """What can go where `keep` versions shall stay, of a serving folder or an output folder.

    Of versions the newest stay, the champion, and those from whose weights one of them went on, for what they have
    learnt it has. Of artifacts those that a run was made of, directly or not, that has pushed one of them, or was the
    last of its recipe.

    Raises:
        UsageError: nothing was pushed there.
        BrokenState: the pointer or a manifest cannot be read.
    """
    serving = serving_folder(folder)
    kept = _kept(serving, keep)
    old = [serving / version for version in versions(serving) if version not in kept]
    # Another serving folder in the output folder may have a champion of its own.
    out = serving.parent if serving.name == SERVING else None
    spare = _spare(out, {read_manifest(serving, version).get("run") for version in kept}) if out else ()
    return Unneeded({path: folder_size(path) for path in old}, {path: folder_size(path) for path in spare})


def prune(folder: Path, keep: int, found: Unneeded) -> None:
    """Removes what was found, as far as it is still not needed; killed in the middle, the champion and what it came
    from are as they were.

    Raises:
        UsageError: a run is on, or the folder is another user's.
        BrokenState: as `unneeded`.
    """
    serving = serving_folder(folder)
    with ExitStack() as stack:
        if found.artifacts:
            stack.enter_context(_no_run_on(serving.parent))
        stack.enter_context(exclusive(serving))
        still = unneeded(folder, keep)
        for path in found.versions.keys() & still.versions.keys():
            # No half version has a number, by which servers would take it.
            gone = path.with_name(f"{UNFINISHED}{path.name}")
            path.rename(gone)
            remove_version(gone)
        for path in found.artifacts.keys() & still.artifacts.keys():
            remove(path)


@contextmanager
def _no_run_on(out: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(out / RUN_LOCK, wait=False))
        except BlockingIOError as error:
            raise UsageError(f"{out}: a run is on. Wait for its end") from error
        yield


def _kept(serving: Path, keep: int) -> set[str]:
    known = versions(serving)
    waiting, kept = [*known[-keep:], champion_version(serving)], set[str]()
    while waiting:
        if (version := waiting.pop()) in known and version not in kept:
            kept.add(version)
            manifest = read_manifest(serving, version)
            if manifest.get("warm_starts"):
                waiting.append(manifest.get("replaces"))
    return kept


def _spare(out: Path, pushed_by: set[str | None]) -> Iterator[Path]:
    """Whole artifacts alone; those of runs that were killed go with the next run."""
    if not (out / STORE_FILE).is_file():
        return
    runs = [run for run in list_runs(out) if run.artifacts]
    last = {run.recipe: run.id for run in runs if run.exit_code in (ExitCode.DONE, ExitCode.REFUSED)}
    uris = [Path(uri) for run in runs if run.id in {*pushed_by, *last.values()} for uri in run.artifacts.values()]
    known, needed = made_of(out / STORE_FILE, {artifact_of(uri) for uri in uris})
    for path in sorted((out / "artifacts").glob("[!.]*/[!.]*/[0-9]*")):
        if artifact_of(path) in known - needed:
            yield path
