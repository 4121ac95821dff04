"""Whether a slot is worth a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from components.code_version import code_version, executors
from components.errors import ExitCode
from components.example_gen.version import example_gen_version
from components.files import is_locked
from components.serving_dir import champion_version
from components.trainer.version import FOLD, RUN, trainer_files, trainer_version
from pipeline.config.root import Config
from pipeline.config.schedule import Schedule
from pipeline.runs.folders import RUN_LOCK
from pipeline.schedule.ledger import SlotRecord
from pipeline.schedule.retraining import champion_fingerprint, data_fingerprint, drifted_features, new_cases

_FINISHED = (ExitCode.DONE, ExitCode.REFUSED, ExitCode.DATA_REFUSED)
"""Exit codes of runs that would end in the same way once more."""


@dataclass(frozen=True)
class Facts:
    """The data, the config and the champion at a slot."""

    fingerprint: str
    config: str
    """Digest of what can change the result of a run: the config, the code, its libraries."""
    champion: str | None
    """The version served now."""
    champion_fingerprint: str | None
    finished: str | None
    """What came of the same data, config and champion before; None: not tried yet."""
    new_cases: int
    drifted: tuple[str, ...] = ()
    """Features of the data that are unlike the champion's."""


@dataclass(frozen=True)
class Decision:
    run: bool
    reason: str


def decide(facts: Facts, settings: Schedule) -> Decision:
    """Whether there is something new to learn; a champion that is missing is always worth a run."""
    if facts.finished:
        return Decision(False, f"the same data, config and champion came to: {facts.finished}")
    if facts.champion is None:
        return Decision(True, "nothing is served yet")
    if facts.fingerprint == facts.champion_fingerprint:
        return Decision(False, f"the data are those of the champion, version {facts.champion}")
    if facts.new_cases >= settings.min_new_cases:
        return Decision(True, f"the data have changed: {facts.new_cases} new cases")
    if facts.drifted:
        return Decision(True, f"drift: {', '.join(facts.drifted)}")
    return Decision(False, f"{facts.new_cases} new cases; [schedule] min_new_cases = {settings.min_new_cases}")


def is_busy(out: Path) -> bool:
    """Whether a run is on in the output folder, started by whomever."""
    return is_locked(out / RUN_LOCK)


def gather(config: Config, source: Path, serving: Path, past: Iterable[SlotRecord]) -> Facts:
    """The facts of now; `past` are the ledger's records. Images are read only where their drift is asked for.

    Raises:
        UsageError: the data or the champion are not there.
        OSError, ValueError: they cannot be read.
    """
    data, champion = config.records, champion_version(serving)
    fingerprint, digest = data_fingerprint(source, data), _digest(config)
    facts = Facts(
        fingerprint=fingerprint,
        config=digest,
        champion=champion,
        champion_fingerprint=champion_fingerprint(serving),
        finished=_finished(past, {"fingerprint": fingerprint, "config": digest, "champion": champion}),
        new_cases=new_cases(source, data, serving),
    )
    limit = config.schedule.drift
    if limit is None or decide(facts, config.schedule).run:
        return facts
    return replace(facts, drifted=tuple(drifted_features(source, _with_max_drift(config, limit), serving)))


def _finished(past: Iterable[SlotRecord], key: Mapping[str, str | None]) -> str | None:
    ended = (record for record in past if record.exit_code in _FINISHED and record.status != "timed out")
    alike = [record for record in ended if key.items() <= asdict(record).items()]
    if key["champion"] is None:
        # What was pushed has been taken away since: by whoever wants another.
        alike = [record for record in alike if not record.pushed]
    return f"{alike[-1].status} (run {alike[-1].run})" if alike else None


def _digest(config: Config) -> str:
    values = config.model_dump(exclude={"schedule", "kubeflow", "execution"})
    code = (
        code_version(*executors()),
        example_gen_version(config.data.layout),
        trainer_version(config.trainer, FOLD if config.folds else RUN),
    )
    return hashlib.sha256(
        json.dumps([{**values, **trainer_files(config.trainer)}, *code], sort_keys=True).encode()
    ).hexdigest()[:16]


def _with_max_drift(config: Config, limit: float) -> Config:
    return config.model_copy(update={"validation": config.validation.model_copy(update={"max_drift": limit})})
