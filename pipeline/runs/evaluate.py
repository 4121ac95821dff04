"""`maskline evaluate`: a served model on images that it was not made of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from components.artifacts import CASES_FILE, METRICS_FILE
from components.errors import DataRefused, ExitCode, UsageError
from components.evaluator.core import metrics
from components.evaluator.external import EXTERNAL, external_cases
from components.evaluator.per_case import write_cases
from components.evaluator.settings import EvaluatorSettings
from components.example_gen.core import read_source
from components.example_gen.listing import list_grouped
from components.example_gen.samples import Listing, Reject, Sample
from components.example_gen.settings import DataSettings
from components.example_gen.spans import find_spans
from components.example_gen.unusable import Unusable
from components.files import write_json
from components.inference.model import Model, load_model
from components.parallel import ordered_map, threads
from components.seen.known import learnt_by
from components.seen.query import Query, query_of
from components.serving_dir import MANIFEST_FILE, data_section, read_paper
from components.serving_papers import Manifest
from pipeline.config.loader import changed_config, load_config
from pipeline.config.root import Config
from pipeline.runs.anonymous import hidden, names_of_version
from pipeline.runs.examined import Watch
from pipeline.runs.laid_out import pointed_to_init
from pipeline.runs.new_folder import new_folder, refuse_existing
from pipeline.runs.seen import seen_samples
from pipeline.runs.served import version_folder

_SECTIONS = ("model", "training", "evaluation", "validation")
Usable = list[tuple[Sample, Query]]
Seen = Literal["refuse", "leave-out", "measure"]


def evaluate(
    model: Path,
    folder: Path,
    recipe: str | None,
    overrides: Sequence[str],
    out: Path | None,
    seen: Seen,
    watch: Watch,
    anonymous: bool = False,
) -> dict[str, Any]:
    """What a model is worth on the images of a folder: `metrics`, and what became of the images that have none.

    `metrics` is null where images that the model has seen are a reason to refuse.

    Args:
        model: as `version_folder` takes it.
        folder: the images and their truth.
        recipe: how they are read; None: as what the model was made of.
        overrides: of the recipe, or of the model's own config.
        out: gets `metrics.json`, `per_case.csv` and the predicted masks; None: nothing is written.
        seen: what becomes of images that the model has seen.
        watch: sees the images pass, twice.
        anonymous: with ids in place of names in `out`, by the salt of the model's run; `names` says of which.

    Raises:
        UsageError: the model, the config, the folder or `out` is not what it must be.
        DataRefused: too many images cannot be used.
    """
    version = version_folder(model)
    config = load_config(recipe, overrides) if recipe else _config_of(version, overrides)
    refuse_existing(out)
    ids = names_of_version(version) if anonymous else None
    learnt, served = learnt_by(version), load_model(version)
    data = _read_as(config, served, folder, recipe)
    listing = _listed(folder, data)
    usable, rejects = _usable(folder, listing, data, watch)
    _refuse_many(rejects, len(listing.samples) + len(listing.rejects), config.validation.max_reject_fraction)
    known = seen_samples(usable, learnt)
    left = {row["image"] for row in known} if seen == "leave-out" else set()
    chosen = [sample for sample, _ in usable if sample.image not in left]
    if ids:
        # Masks are numbered: in the order of names, numbers would tell of them.
        chosen.sort(key=lambda sample: ids(sample.id))
    told = {
        "model": str(version),
        "data": str(folder),
        "measured": len(chosen),
        "rejects": [asdict(reject) for reject in rejects],
        "left_out": [asdict(reject) for reject in listing.left_out],
        "if_seen": seen,
        "seen": known,
        "groups_not_compared": learnt.without_groups,
        "not_known": learnt.lost,
        "by_pixels_alone": learnt.by_pixels_alone,
        "without_detail": learnt.blank,
    }
    if not usable:
        raise UsageError(f"{folder}: none of its {len(rejects)} images can be used; `maskline check` tells why")
    if known and seen == "refuse":
        return {**told, "measured": 0, "metrics": None}
    if not chosen:
        raise UsageError(f"{folder}: the model has seen all images, so none is left to measure")
    settings = _settings(config, served)
    with new_folder(out) if out else nullcontext() as made:
        sources = (read_source(folder, sample, data) for sample in chosen)
        cases = list(watch(external_cases(served, sources, settings, made), len(chosen)))
        found = {key: value for key, value in metrics(cases, None, None, settings).items() if key != "blessed"}
        if made:
            shown, measured, external = hidden(cases, found, told, ids) if ids else (cases, found, told)
            write_cases(made / CASES_FILE, shown)
            write_json(made / METRICS_FILE, {**measured, EXTERNAL: external})
    names = {"names": {ids(sample.id): sample.image for sample in chosen}} if ids else {}
    return {**told, "metrics": found, **names}


def exit_code(told: dict[str, Any]) -> ExitCode:
    return ExitCode.DATA_REFUSED if told["metrics"] is None else ExitCode.DONE


def _config_of(version: Path, overrides: Sequence[str]) -> Config:
    """What the model was made with, as far as it says how images are read and measured."""
    path = version / MANIFEST_FILE
    config = read_paper(path, Manifest).get("config", {})
    if "data" not in config:
        raise UsageError(f"{path}: does not say how the model's data were read. Say it: --recipe RECIPE_OR_TOML")
    # Where they stood, how they were split and how large their pixels were is nothing to others.
    data = {**data_section(version), "input": "", "phantoms": None, "splits": {}, "spacing_mm": None}
    kept = {name: config[name] for name in _SECTIONS if name in config}
    # Once, the threshold stood here; the model itself says it.
    kept["evaluation"] = {key: value for key, value in kept.get("evaluation", {}).items() if key != "threshold"}
    return changed_config({**kept, "data": data}, overrides, path)


def _read_as(config: Config, served: Model, folder: Path, recipe: str | None) -> DataSettings:
    """How the folder is read: by the config, but values and orientation as the model has learnt them."""
    if config.data.task.classes != served.classes:
        raise UsageError(
            f"[data] classes: found {', '.join(config.data.task.classes)}, expected the model's: "
            f"{', '.join(served.classes)}. Name them as the model does: --set 'data.classes=[...]'"
        )
    spans = config.data.spans if recipe or find_spans(folder) else None
    return config.records.model_copy(update={**dict(served.derivation), "spans": spans, "folds": None})


def _listed(folder: Path, data: DataSettings) -> Listing:
    """All samples, whatever their split."""
    with pointed_to_init(folder):
        listing, _ = list_grouped(folder, data)
    if not listing.samples:
        reasons = [f"{reject.source}: {reject.reason}" for reject in (*listing.rejects, *listing.left_out)]
        raise UsageError("\n".join([f"{folder}: holds no image with its truth", *reasons[:3]]))
    return listing


def _usable(folder: Path, listing: Listing, data: DataSettings, watch: Watch) -> tuple[Usable, list[Reject]]:
    """The samples that can be read, as they may be known, and all that cannot be used."""

    def ask(sample: Sample) -> Query | Reject:
        try:
            return query_of(read_source(folder, sample, data).image)
        except Unusable as error:
            return Reject(sample.image, error.kind, str(error))

    samples = listing.samples
    asked = list(watch(ordered_map(ask, samples, threads()), len(samples)))
    usable = [(sample, one) for sample, one in zip(samples, asked, strict=True) if isinstance(one, Query)]
    return usable, [*listing.rejects, *(one for one in asked if isinstance(one, Reject))]


def _refuse_many(rejects: Sequence[Reject], sources: int, limit: float) -> None:
    if len(rejects) > limit * sources:
        reasons = [f"{reject.source}: {reject.reason}" for reject in rejects]
        raise DataRefused(
            [
                f"{len(rejects)} of {sources} sources are unusable, [validation] max_reject_fraction allows "
                f"{limit:.0%}. Mend or remove them, or say how they are read: --set, --recipe",
                *reasons[:10],
                *([f"and {len(reasons) - 10} more"] if len(reasons) > 10 else []),
            ],
            {"rejects": [asdict(reject) for reject in rejects]},
        )


def _settings(config: Config, served: Model) -> EvaluatorSettings:
    """Without limits, which say what may be pushed."""
    settings = config.evaluator_on(EXTERNAL)
    return settings.model_copy(update={"point": served.point, "derivation": served.derivation})
