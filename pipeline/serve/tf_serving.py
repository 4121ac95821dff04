"""Requests and answers in the form of TensorFlow Serving's REST interface, for its signature `serve_image_bytes`."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from typing_extensions import TypedDict

from components.brief import some
from components.imaging.files.codecs import encode_png
from components.predictions.answer import in_steps
from components.predictions.answered import Answered
from components.texts import TooLarge, refuse_parts
from pipeline.serve.limits import Refusal

SIGNATURE, INPUT = "serve_image_bytes", "images"
_EXPECTED = 'expected {"instances": [{"b64": "..."}, ...]}, each a whole image file in base64'
_MOST_PARTS = 2**16
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVQIHWNk+M/4nxEABgoCAp0+gVUAAAAASUVORK5CYII="
"""Two by two pixels."""


REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["instances"],
    "properties": {
        "signature_name": {"type": "string", "enum": [SIGNATURE]},
        "instances": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["b64"],
                "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
    "examples": [{"instances": [{"b64": _PNG}]}],
}
"""JSON Schema of a request by rows."""


class File(TypedDict):
    b64: str


class Row(TypedDict):
    """Of an image, at its size: class indices; 65,535 p in 16 bit, of several classes of each, background first."""

    mask: File
    probability: File | list[File]


class Predictions(TypedDict):
    predictions: list[Row]


class Columns(TypedDict):
    outputs: dict[str, list[File | list[File]]]


Answers = Predictions | Columns


class Fine(TypedDict):
    error_code: str
    error_message: str


class VersionStatus(TypedDict):
    version: str
    state: str
    status: Fine


class Status(TypedDict):
    model_version_status: list[VersionStatus]


def status(version: str, fault: str) -> Status:
    """Of the version that is served; with a fault, of another that should be."""
    code = "UNKNOWN" if fault else "OK"
    fine: Fine = {"error_code": code, "error_message": fault}
    return {"model_version_status": [{"version": version, "state": "AVAILABLE", "status": fine}]}


def answered(body: bytes, answer: Callable[[bytes], Answered]) -> Answers:
    """What is answered to a request, by rows (`instances`) or columns (`inputs`) as it asks.

    Raises:
        Refusal: it is of another form, or an image is refused.
    """
    document = _parsed(body)
    by_row = "instances" in document
    rows: list[Row] = []
    for number, given in enumerate(_images(document, by_row)):
        try:
            rows.append(_row(answer(_file(given))))
        except Refusal as refusal:
            named = f"{'instances' if by_row else 'inputs'}[{number}]: {refusal.sentence}"
            raise Refusal(refusal.status, named, refusal.headers) from refusal
    if by_row:
        return {"predictions": rows}
    return {"outputs": {"mask": [row["mask"] for row in rows], "probability": [row["probability"] for row in rows]}}


def _row(found: Answered) -> Row:
    of_each = [_b64(encode_png(in_steps(found.probability[..., k]))) for k in range(found.probability.shape[-1])]
    return {"mask": _b64(encode_png(found.classes)), "probability": of_each if found.task.several else of_each[0]}


def _b64(content: bytes) -> File:
    return {"b64": b64encode(content).decode()}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        refuse_parts(text, _MOST_PARTS)
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, TooLarge) else f"is no JSON ({type(error).__name__})"
        raise Refusal(422, f"the body {what}: {_EXPECTED}") from error
    if not isinstance(document, dict) or ("instances" in document) == ("inputs" in document):
        raise Refusal(422, f"the body has neither instances nor inputs, or both: {_EXPECTED}")
    if unknown := set(document) - {"instances", "inputs", "signature_name"}:
        raise Refusal(422, f"the body has unknown keys, {some(sorted(unknown))}: {_EXPECTED}")
    signature = document.get("signature_name", SIGNATURE)
    if signature != SIGNATURE:
        raise Refusal(422, f"signature_name: {SIGNATURE} is what is served here, or leave it out")
    return document


def _images(document: dict[str, Any], by_row: bool) -> list[Any]:
    given = document["instances" if by_row else "inputs"]
    if not by_row and isinstance(given, dict) and set(given) == {INPUT}:
        given = given[INPUT]
    if not isinstance(given, list) or not given:
        raise Refusal(422, f"no list of images, or an empty one: {_EXPECTED}")
    return given


def _file(given: Any) -> bytes:
    if isinstance(given, dict) and set(given) == {INPUT}:
        given = given[INPUT]
    if isinstance(given, dict) and set(given) == {"b64"} and isinstance(given["b64"], str):
        try:
            return b64decode(given["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(422, f"b64 is not base64: {error}") from error
    raise Refusal(422, f"no image: {_EXPECTED}")
