"""What a served model must do, tried on real records. Run as a module, it is the fresh process."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.artifacts import MADE_ANEW, METRICS_FILE, Check, Checks, Metrics, read_artifact
from components.files import write_json
from components.inference.engines.registry import parts_of
from components.inference.operating_point import OperatingPoint
from components.inference.stored import stored_point
from components.serving_check.agreement import TOLERANCES, compared, sentence
from components.serving_check.cases import Tried, tried_cases
from components.serving_check.cost import Cost, cost_of
from components.serving_check.settings import ServingCheckSettings
from components.serving_check.signatures import FILES, Found, check_signatures, expected_signatures
from components.serving_check.ways import Served
from components.serving_graph.warmup import read_warmup


def check_model(folder: Path, cases: Sequence[Tried], point: OperatingPoint, settings: ServingCheckSettings) -> Checks:
    """Loads a model, with its engines in its folder, and tries each way of asking it; none raises.

    Args:
        folder: that of the SavedModel.
        cases: with the masks that were judged.
        point: by which these were made.
        settings: what the model was trained for.
    """
    cost: dict[str, Cost] = {}
    checks = [*_tried("loads and answers", _checks(folder, cases, point, settings, cost))]
    told = [Check(name=name, passed=bool(passed), detail=detail) for name, passed, detail in checks]
    return Checks(passed=all(check["passed"] for check in told), checks=told, cost={**cost})


def _tried(name: str, checks: Iterator[Found]) -> Iterator[Found]:
    try:
        yield from checks
    except Exception as error:
        # Whatever a model does when it is loaded or called is a failed check, not a failed run.
        yield name, False, f"{type(error).__name__}: {error}"


def _checks(
    folder: Path,
    cases: Sequence[Tried],
    point: OperatingPoint,
    settings: ServingCheckSettings,
    cost: dict[str, Cost],
) -> Iterator[Found]:
    model = tf.saved_model.load(str(folder))  # its signatures live as long as it does
    expected = expected_signatures(settings)
    missing = [name for name in expected if name not in model.signatures]
    yield "signatures", not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(expected)
    if missing:
        return
    served = Served(folder, model.signatures, settings, point)
    stored = stored_point(folder, MADE_ANEW)
    yield "operating point", stored == point, f"the model has {_told(stored)}, evaluated was {_told(point)}"
    yield from check_signatures(model.signatures, [case.serialized for case in cases], settings, point)
    yield from _warm_up(served)
    for way in served.ways:
        yield from _tried(f"{way} answers", _of_way(served, way, cases, cost))


def _told(point: OperatingPoint) -> str:
    return ", ".join(f"{key} {value}" for key, value in point.model_dump().items())


def _warm_up(served: Served) -> Iterator[Found]:
    """By what TensorFlow Serving asks before it serves."""
    requests = read_warmup(served.folder)
    for request in requests:
        given = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        served.signatures[request.model_spec.signature_name](**given)
    asked = {request.model_spec.signature_name for request in requests}
    lacking = [name for name in expected_signatures(served.settings) if name not in asked]
    yield "warm-up requests", not lacking, f"none for {', '.join(lacking)}" if lacking else f"{len(requests)} answered"


def _of_way(served: Served, way: str, cases: Sequence[Tried], cost: dict[str, Cost]) -> Iterator[Found]:
    ask = served.ask(way, cases[0])
    one, other = ask(), ask()
    yield f"{way} answers alike twice", np.array_equal(one, other), "two answers to the same request"
    if way != FILES:
        yield f"{way} probabilities", *_probabilities(one, served.settings)
    tolerance, task, point = TOLERANCES[parts_of(way)[1]], served.settings.task, served.point
    found = [
        compared(probability, judged, task, point, scale, tolerance.near)
        for probability, judged, scale in served.answers(way, cases)
    ]
    if found:
        yield f"{way} gives the evaluated masks", *sentence(found, tolerance)
    cost[way] = cost_of(ask)


def _probabilities(answer: np.ndarray, settings: ServingCheckSettings) -> tuple[bool, str]:
    height, width, _ = settings.derivation.shape
    expected = (1, height, width, settings.task.channels)
    low, high = float(answer.min()), float(answer.max())
    fits = answer.shape == expected and answer.dtype == np.float32
    found = f"{answer.dtype} {answer.shape} from {low:.3g} to {high:.3g}"
    return fits and 0 <= low <= high <= 1, f"{found}, expected float32 {expected} from 0 to 1"


if __name__ == "__main__":
    model_dir, examples_dir, evaluation_dir, settings_json, output = sys.argv[1:]
    evaluated = read_artifact(Path(evaluation_dir) / METRICS_FILE, Metrics)["operating_point"]
    made = check_model(
        Path(model_dir),
        tried_cases(examples_dir, Path(evaluation_dir)),
        OperatingPoint.model_validate(evaluated),
        ServingCheckSettings.model_validate_json(settings_json),
    )
    write_json(Path(output), made)
