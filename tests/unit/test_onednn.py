"""The kernels of oneDNN are asked for before TensorFlow is imported, in each process that is the program's own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from components.onednn import ONEDNN

COMMAND = "import sys; from pipeline.cli import main; sys.argv[1:] = ['models', '--json']; main()"
STEP = "import runpy; runpy.run_module('pipeline.kubeflow.container.entrypoint', run_name='__main__')"
TELL = f"import os, sys; print(os.environ.get({ONEDNN!r}), 'tensorflow' in sys.modules, file=sys.stderr)"


@pytest.mark.parametrize("program", [COMMAND, STEP])
@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("0", "0")])
def test_a_program_asks_for_them_before_tensorflow_and_what_a_person_has_set_stays(
    program: str, before: str | None, after: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != ONEDNN}
    environment |= {ONEDNN: before} if before else {}
    script = f"try:\n    {program}\nexcept SystemExit:\n    {TELL}"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == f"{after} False"
