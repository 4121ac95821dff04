"""What every step of a compiled pipeline runs: `python -P -m` this module, with TFX's arguments.

Unlike TFX's own it reads and writes where Kubeflow's launcher does, finds span and fingerprint of the data itself,
and ends with a message for people and Maskline's exit codes.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.errors import ExitCode, UsageError, exit_code_of
from components.files import write_text
from components.onednn import prefer_onednn
from components.parallel import THREADS, shield_workers
from pipeline.kubeflow.container.logs import TERMINATION_LOG, last_word, leave, log_as_json
from pipeline.kubeflow.container.uris import in_root, local_root

OUTPUTS = "--outputs"
"""The option that names the outputs of the step's component, as a JSON list."""
_LOG = logging.getLogger("maskline.entrypoint")


def main(argv: Sequence[str]) -> int:
    """Runs one step; the exit code is that of the error's kind, as on the command line of Maskline."""
    log_as_json()
    root = local_root()
    try:
        arguments, beam_arguments = _parser().parse_known_args(argv)
        run(arguments, beam_arguments, root)
    except Exception as error:
        code = exit_code_of(error)
        message = last_word(error, code)
        _LOG.critical("%s", message, exc_info=error)
        leave(message, in_root(TERMINATION_LOG, root))
        return code
    return ExitCode.DONE


def run(arguments: argparse.Namespace, beam_arguments: list[str], root: Path) -> None:
    """Calls the executor; its results appear whole, after it has ended well, or not at all.

    Raises:
        UsageError: the command does not say which outputs the component has.
    """
    outputs = _outputs(arguments)
    # The imports take seconds; what goes wrong in them must be reported like the rest.
    from pipeline.kubeflow.container.ingest import is_file_based, record_span, with_span
    from pipeline.kubeflow.container.invocation import read_invocation, results
    from pipeline.kubeflow.container.parameters import check_code, resolved

    invocation = read_invocation(
        arguments.json_serialized_invocation_args, arguments.json_serialized_inputs_spec_args, outputs, root
    )
    _LOG.info("%s: parameters %s", arguments.executor_class_path, invocation.parameters)
    check_code(invocation.parameters)
    parameters = resolved(invocation.parameters)
    if is_file_based(parameters):
        parameters = with_span(parameters)
    _set_threads(beam_arguments)
    shield_workers()
    for artifact in invocation.all_outputs():
        # The launcher makes the folder above alone.
        Path(artifact.uri).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        executor = _executor(arguments.executor_class_path, beam_arguments, scratch)
        executor.Do(invocation.inputs, invocation.outputs, parameters)
    if is_file_based(parameters):
        record_span(parameters, invocation.outputs["examples"][0])
    output_file = in_root(invocation.output_file, root)
    output_file.parent.mkdir(parents=True, exist_ok=True)
    write_text(output_file, results(invocation))
    _LOG.info("%s: done", arguments.executor_class_path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", default="{}")
    parser.add_argument(OUTPUTS, default="")
    return parser


def _outputs(arguments: argparse.Namespace) -> list[str]:
    try:
        outputs = json.loads(arguments.outputs)
    except ValueError:
        outputs = None
    if not (isinstance(outputs, list) and all(isinstance(name, str) for name in outputs)):
        raise UsageError(
            f"{arguments.executor_class_path}: {OUTPUTS} is {arguments.outputs or 'not given'}, expected a JSON list "
            "of the step's outputs: the pipeline was compiled by an earlier version, or edited. Compile it anew: "
            "`docker run IMAGE maskline kubeflow compile ...`"
        )
    return outputs


def _set_threads(beam_arguments: list[str]) -> None:
    """Worker processes share the cores among them; the number of threads is otherwise the environment's."""
    if "--direct_running_mode=multi_processing" in beam_arguments:
        os.environ[THREADS] = "1"


def _executor(class_path: str, beam_arguments: list[str], scratch: str) -> Any:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.dsl.components.base.base_executor import BaseExecutor
    from tfx.utils.import_utils import import_class_by_path

    executor = import_class_by_path(class_path)
    if issubclass(executor, BaseBeamExecutor):
        context: Any = BaseBeamExecutor.Context(
            beam_pipeline_args=beam_arguments, unique_id=str(os.getpid()), tmp_dir=scratch
        )
    else:
        context = BaseExecutor.Context(extra_flags=beam_arguments, unique_id=str(os.getpid()), tmp_dir=scratch)
    return executor(context)


if __name__ == "__main__":
    prefer_onednn()
    sys.exit(main(sys.argv[1:]))
