"""Health and metadata in the form of KServe's Open Inference Protocol (V2)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from components.inference.engines.registry import parts_of
from pipeline.serve.current import Served
from pipeline.serve.tf_serving import INPUT


class Server(BaseModel):
    name: str = "maskline"
    version: str = version("maskline")
    extensions: list[str] = []


class Live(BaseModel):
    live: bool = True


class Ready(BaseModel):
    ready: bool = True


class ModelReady(BaseModel):
    name: str
    ready: bool = True


class Tensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]


class Metadata(BaseModel):
    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    parameters: dict[str, Any]
    """Beside the protocol: the classes, and how answers become masks."""


def metadata(name: str, served: Served) -> Metadata:
    """Of a model; images and what is answered are files, bytes of PNG."""
    task, model = served.model.task, served.model
    engine, precision = parts_of(model.engine)
    answers = Tensor(name="probability", datatype="BYTES", shape=[-1, task.channels] if task.several else [-1])
    return Metadata(
        name=name,
        versions=[served.version],
        platform=f"{engine} {precision}",
        inputs=[Tensor(name=INPUT, datatype="BYTES", shape=[-1])],
        outputs=[Tensor(name="mask", datatype="BYTES", shape=[-1]), answers],
        parameters={"classes": task.classes, "operating_point": model.point.model_dump()},
    )
