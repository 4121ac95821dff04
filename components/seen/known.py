"""The images that a served version was made of, by the papers that go with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from components.errors import UsageError
from components.seen.match import Known, KnownImage
from components.seen.names import AS_THEY_ARE, Names, names_of
from components.seen.prints import SIGNATURES_FILE, Prints, read_prints
from components.serving_dir import MANIFEST_FILE, SPLIT_REPORT_FILE, is_version, read_paper, read_split_report
from components.serving_papers import Manifest, SplitReport
from components.state import BrokenState, shown

_ANEW = "Copy the whole folder of the version anew."


@dataclass
class Learnt:
    """What a version was made of: its own images, and those of the versions from whose weights it went on."""

    versions: list[Known] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Versions from whose weights it went on, and whose images nobody can tell any more."""

    @property
    def by_pixels_alone(self) -> bool:
        """Whether changed copies cannot be told, of one of the versions at least."""
        return any(known.prints is None for known in self.versions)

    @property
    def without_groups(self) -> bool:
        """Whether groups cannot be told, for their names are salted."""
        return any(known.names is None for known in self.versions)

    @property
    def blank(self) -> int:
        """Images of which changed copies cannot be told, for they have too little detail."""
        return sum(known.prints.blank for known in self.versions if known.prints)


def learnt_by(version: Path) -> Learnt:
    """What the version in a folder has learnt from, and been chosen and tested by.

    Raises:
        UsageError: it does not say; or what it says is damaged.
    """
    learnt = Learnt()
    if not (version / SPLIT_REPORT_FILE).is_file():
        raise UsageError(
            f"{version}: has no {SPLIT_REPORT_FILE}, so nobody can tell what it was made of. Copy the version's whole "
            "folder; versions that were pushed without one cannot be asked"
        )
    folder, further = version, 1
    asked: set[Path] = set()
    while further:
        if not (folder / SPLIT_REPORT_FILE).is_file():
            learnt.lost.append(folder.name)
            break
        manifest = read_paper(folder / MANIFEST_FILE, Manifest)
        learnt.versions.append(_known(folder, manifest["version"]))
        before = manifest.get("replaces")
        asked.add(folder)
        # A warm start goes on from the champion, which it then replaces.
        further = manifest.get("warm_starts", 0) if before else 0
        if further and (not is_version(str(before)) or version.parent / str(before) in asked):
            raise BrokenState(
                f"{folder / MANIFEST_FILE}: replaces {shown(before)}, which is no version before it. {_ANEW}"
            )
        folder = version.parent / str(before)
    return learnt


def _known(folder: Path, version: str) -> Known:
    report = read_split_report(folder)
    rows = report["records"] if report else []
    images = {
        KnownImage(version, row.get("split", ""), row.get("source", ""), row["group"], row.get("sha256", "")): None
        for row in rows
    }
    return Known(list(images), _prints(folder / SIGNATURES_FILE), _names(report) if report else AS_THEY_ARE)


def _names(report: SplitReport) -> Names | None:
    """Who was given a model has no salt: what can be told without it is told."""
    try:
        return names_of(report)
    except UsageError:
        return None


def _prints(path: Path) -> Prints | None:
    return read_prints(path, _ANEW) if path.is_file() else None
