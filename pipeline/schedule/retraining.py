"""Whether there is something to train anew on: the input folder against what the champion was made of.

Imports neither TensorFlow nor TFX. A run has something new where `data_fingerprint` is not `champion_fingerprint`;
whether that is enough, `new_cases` and `drifted_features` tell.
"""

from __future__ import annotations

from pathlib import Path

from components.data_gate.drift import DRIFT
from components.example_gen.listing import fingerprint as data_fingerprint
from components.example_gen.listing import list_samples
from components.example_gen.memory import held_out
from components.example_gen.settings import DataSettings
from components.seen.names import AS_THEY_ARE, Names, names_of
from components.serving_dir import champion_version, read_manifest, read_split_report
from pipeline.config.root import Config
from pipeline.runs.check import check_config
from pipeline.runs.reading import reading_bar

__all__ = ["champion_fingerprint", "data_fingerprint", "drifted_features", "new_cases"]


def champion_fingerprint(serving: Path) -> str | None:
    """What `data_fingerprint` was of the champion's data; None without a champion, or where its manifest lacks it.

    Raises:
        UsageError: the champion is not where the pointer says.
    """
    version = champion_version(serving)
    return None if version is None else read_manifest(serving, version).get("data_fingerprint")


def new_cases(root: Path, data: DataSettings, serving: Path) -> int:
    """How many cases a run would read that the champion's run did not.

    A case is an image, known by its path in the input folder (`sample/source`): one that is no longer in the window
    is none, one whose pixels, truth or group have changed is not new, and one that was unusable stays known.

    Args:
        root: the input folder.
        data: the section `[data]` of the config.
        serving: the serving folder; without a champion all cases are new.

    Raises:
        UsageError: as `list_samples` and `champion_version` do.
    """
    known, names = _known_sources(serving)
    listing = list_samples(root, data, held_out(root, data, serving))
    return sum(names(sample.image) not in known for sample in listing.samples)


def drifted_features(root: Path, config: Config, serving: Path) -> list[str]:
    """The features by which the data are unlike the champion's, by `[validation] max_drift`; reads every image.

    Raises:
        UsageError: as `check_config` does.
    """
    if champion_version(serving) is None:
        return []
    with reading_bar() as watch:
        report = check_config(root, config, serving, watch)
    return [feature["name"] for feature in report["drift"]["features"] if feature["verdict"] == DRIFT]


def _known_sources(serving: Path) -> tuple[set[str], Names]:
    """As the champion's report writes them, and how it does."""
    version = champion_version(serving)
    known = read_split_report(serving / version) if version else None
    if known is None:
        return set(), AS_THEY_ARE
    # Reports of earlier versions do not name the images whose tiles were all empty.
    sources = {row.get("source", "") for row in (*known["records"], *known.get("rejects", ()))}
    return sources.union(known.get("without_records", ())), names_of(known)
