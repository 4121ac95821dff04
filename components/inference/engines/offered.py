"""Which faster engines a model offers: `assets.extra/engines.json`, and what each was converted to beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.artifacts import ENGINES_FILE, Engines, Verdict
from components.errors import UsageError
from components.files import write_json
from components.inference.devices import CPU, GPU
from components.inference.engines.engine import Engine
from components.inference.engines.faults import Named, engine_named
from components.inference.engines.registry import (
    AUTO,
    ENGINES,
    FORMS,
    PRECISIONS,
    TENSORFLOW,
    engine_module,
    form_named,
    is_installed,
)
from components.inference.engines.tensorflow import SavedModel
from components.serving_dir import content_sha256
from components.state import BrokenState, read_state

FORMS_FOLDER = "engines"
"""Beside `engines.json`."""
_INSTEAD = "The engine tensorflow does"
_ANEW = "Convert the model anew: `maskline convert`."


def form_folder(model: Path, form: str) -> Path:
    return model / "assets.extra" / FORMS_FOLDER / form


def verdicts(model: Path) -> Mapping[str, Verdict]:
    """By form, of the model in a folder.

    Raises:
        BrokenState: they cannot be read.
    """
    path = model / "assets.extra" / ENGINES_FILE
    return read_state(path, Engines, _ANEW)["engines"] if path.is_file() else {}


def keep_verdict(model: Path, form: str, verdict: Verdict) -> None:
    """Adds one, or replaces that of the same form."""
    write_json(model / "assets.extra" / ENGINES_FILE, Engines(engines={**verdicts(model), form: verdict}))


def chosen(model: Path, engine: str, precision: str | None, device: str = CPU) -> str:
    """What answers: `tensorflow`, or a form that is offered. Forms were measured on the processor, and compute there.

    Args:
        model: the folder of the SavedModel.
        engine: its name; `auto` is the fastest that is offered and installed, or TensorFlow.
        precision: None: the fastest that is offered; of TensorFlow float32, as the model was exported.
        device: `cpu` or `gpu`, where `auto` is TensorFlow.

    Raises:
        UsageError: there is no such engine, the model does not offer it, `auto` has nothing in that precision, or it is
            not installed.
    """
    _refuse_unknown(engine, precision)
    if (engine, precision) in ((TENSORFLOW, None), (TENSORFLOW, "float32")):
        return TENSORFLOW
    known = verdicts(model)
    fits = [form for form, told in known.items() if _fits(told, engine, precision)]
    if engine == AUTO:
        return _fastest(model, {form: known[form] for form in fits}, precision, device)
    offered = [form for form in fits if known[form]["offered"]]
    if not offered:
        asked = f"{engine}-{precision}" if precision else engine
        refused = "; ".join(f"{form} was refused: {known[form]['reason']}" for form in fits)
        how = f"It was not converted to it: {_how(engine, precision)}"
        raise UsageError(f"{model}: does not offer {asked}. {refused or how}")
    return min(offered, key=lambda form: known[form]["processor_time"])


def _fastest(model: Path, fits: Mapping[str, Verdict], precision: str | None, device: str) -> str:
    """Of `auto`; `fits` are the verdicts of forms in the precision that is asked for."""
    if precision in (None, "float32"):
        fits = {} if device == GPU else fits
        faster = [form for form, verdict in fits.items() if not _no_gain(verdict)]
        return min(faster, key=lambda form: fits[form]["processor_time"], default=TENSORFLOW)
    if device == GPU:
        raise UsageError(
            f"{model}: on a GPU the engine auto is TensorFlow in float32, since other forms are for the processor. "
            "Leave the precision, or take that one: --device cpu"
        )
    if faster := [form for form, verdict in fits.items() if not _no_gain(verdict)]:
        return min(faster, key=lambda form: fits[form]["processor_time"])
    found = "; ".join(f"{form} {_no_gain(verdict)}" for form, verdict in fits.items())
    [*_, form] = (form for form in FORMS if FORMS[form][1] == precision)
    raise UsageError(
        f"{model}: offers nothing in {precision} that is faster than TensorFlow{found and f': {found}'}. Leave the "
        f'precision, or make one: {_how(*FORMS[form])}, or [serving] engines in its recipe: "{form}"'
    )


def _no_gain(verdict: Verdict) -> str:
    """Why a form is not what `auto` may be; empty where it may."""
    if not verdict["offered"]:
        return f"was refused: {verdict['reason']}"
    if verdict["processor_time"] >= 1:
        return f"took {verdict['processor_time']:.2f} of its processor time"
    return "" if is_installed(verdict["engine"]) else "is not installed here"


def _how(engine: str, precision: str | None) -> str:
    form = form_named(engine, precision or ENGINES[engine].precisions[0])
    return f"maskline convert MODEL --to {form} --data RUN --out DIR"


def open_form(model: Path, form: str, own: bool, device: str | None = None) -> Engine:
    """What `chosen` has named, ready to answer; `own` and `device` as of `SavedModel`. Faster engines have their own
    answers, and compute on the processor.

    Raises:
        UsageError: it is not installed, or does not answer, then or when it is asked.
        BrokenState: it is not what was measured.
    """
    if form == TENSORFLOW:
        return SavedModel(model, own, device)
    verdict = verdicts(model)[form]
    folder = form_folder(model, form)
    if content_sha256(folder) != verdict["sha256"]:
        raise BrokenState(f"{folder}: is not what was converted and measured. {_ANEW}")
    what = f"{form}: it does not answer"
    with engine_named(what, _INSTEAD):
        return Named(engine_module(verdict["engine"]).open_engine(folder, verdict["precision"]), what, _INSTEAD)


def _refuse_unknown(engine: str, precision: str | None) -> None:
    known = (*ENGINES, AUTO)
    if engine not in known:
        raise UsageError(f"engine {engine!r}: expected one of {', '.join(known)}")
    if precision is not None and precision not in PRECISIONS:
        raise UsageError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if engine in ENGINES and precision is not None and (engine, precision) != (TENSORFLOW, "float32"):
        form_named(engine, precision)


def _fits(verdict: Verdict, engine: str, precision: str | None) -> bool:
    return engine in (AUTO, verdict["engine"]) and precision in (None, verdict["precision"])
