"""ImageMaskExampleGen: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.proto import example_gen_pb2
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.example_gen.driver import Driver
from components.example_gen.executor import Executor
from components.example_gen.listing import input_patterns
from components.example_gen.settings import DataSettings
from components.traits import Traits


class ImageMaskExampleGenSpec(ComponentSpec):
    """The stock driver asks for `input_base`, `input_config` and `range_config`."""

    PARAMETERS = {
        "input_base": ExecutionParameter(type=str),
        "input_config": ExecutionParameter(type=example_gen_pb2.Input),
        "files": ExecutionParameter(type=str),
        "held_out": ExecutionParameter(type=str, optional=True),
        "serving_dir": ExecutionParameter(type=str, optional=True),
        "settings": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS: dict = {}
    OUTPUTS = {"examples": ChannelParameter(type=standard_artifacts.Examples)}


class ImageMaskExampleGen(FileBasedExampleGen):
    """Turns a folder of images and their truth into records in the splits train, eval and test, or folds and test."""

    SPEC_CLASS = ImageMaskExampleGenSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver
    traits = Traits(looks_outside=True)

    def __init__(
        self, input_base: str, files: str, held_out: str | None, serving_dir: str, settings: str, code_version: str
    ) -> None:
        """`files` is the fingerprint of the input files, `settings` the `[data]` section as JSON.

        `held_out` is what `components.example_gen.memory.held_out` returns, as JSON. None: found in the serving folder
        when the node runs.
        """
        patterns = input_patterns(DataSettings.model_validate_json(settings))
        splits = [example_gen_pb2.Input.Split(name=name, pattern=pattern) for name, pattern in patterns.items()]
        spec = ImageMaskExampleGenSpec(
            input_base=input_base,
            files=files,
            held_out=held_out,
            # Where all is found, another folder must not make the node run again.
            serving_dir=serving_dir if held_out is None else None,
            input_config=example_gen_pb2.Input(splits=splits),
            settings=settings,
            code_version=code_version,
            examples=Channel(type=standard_artifacts.Examples),
        )
        # FileBasedExampleGen's own constructor takes a fixed list of parameters, without ours.
        BaseBeamComponent.__init__(self, spec=spec)
