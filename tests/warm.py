"""A Python in which the heavy libraries are imported already: each of its processes is a fork of one that waits.

TensorFlow, TFX and Beam take eight seconds of a processor to import, and the tests start some hundred processes. The
`python` here is a small client: it hands its arguments, folder, environment and standard streams to the process that
waits, and ends as the fork ends that ran them. Maskline's own modules are imported by each fork, whose `sys.executable`
is the client again. Where a process is killed, or its imports are what is tested, the real one is taken.

Run as a script, this is the process that waits.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

_LIBRARIES = (
    *("tensorflow", "keras", "apache_beam", "tensorflow_data_validation", "tfx.components"),
    *("tfx.orchestration.pipeline", "tfx.orchestration.portable.launcher", "tfx.orchestration.metadata"),
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    *("cv2", "scipy.ndimage", "pydicom", "PIL.Image", "matplotlib.pyplot", "pandas", "kfp.compiler"),
    *("pydantic", "typer", "rich.console", "rich.progress", "jinja2"),
)
_CLIENT = """#!{python} -IS
import json, os, signal, socket, struct, sys
asked = json.dumps([sys.argv[0], sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [struct.pack("!I", len(asked))], [0, 1, 2])
server.sendall(asked)
answers = server.makefile()
process = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(process, number))
code = int(answers.readline())
if code < 0:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@cache
def warm_python() -> str:
    """The path of the `python` whose processes start with the libraries imported; it waits as long as this process."""
    folder = tempfile.mkdtemp(prefix="warm-python-")
    atexit.register(shutil.rmtree, folder)
    python, address = Path(folder) / "python", str(Path(folder) / "socket")
    python.write_text(_CLIENT.format(python=sys.executable, address=address))
    python.chmod(0o755)
    # Its input ends with this process, however that ends.
    waiting = subprocess.Popen(
        [sys.executable, __file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(waiting.kill)
    assert waiting.stdout
    assert waiting.stdout.readline() == b"ready\n", f"{__file__} could not import what it is there for"
    return str(python)


def _serve(address: str) -> None:
    sys.path.pop(0)  # this folder
    for library in _LIBRARIES:
        importlib.import_module(library)
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    gc.freeze()  # so that no fork looks at, and copies, what all share
    print("ready", flush=True)
    while server in select.select([server, sys.stdin], [], [])[0]:
        client = server.accept()[0]
        if not os.fork():
            server.close()
            _answer(client)
        client.close()


def _answer(client: socket.socket) -> NoReturn:
    """Runs what the client asks for in one more fork, tells how it ends, and ends it where the client is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, *_ = socket.recv_fds(client, 4, 3)
    asked = client.recv(struct.unpack("!I", size)[0], socket.MSG_WAITALL)
    if not (process := os.fork()):
        client.close()
        _become(streams, *json.loads(asked))
    client.sendall(b"%d\n" % process)
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(process)
    if ended not in select.select([client, ended], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(OSError):
        client.sendall(b"%d\n" % code)
    os._exit(0)


def _become(
    streams: list[int], python: str, arguments: list[str], folder: str, environment: dict[str, str]
) -> NoReturn:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.executable = python
    code: object = 0
    try:
        _execute(arguments, folder)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    # As Python ends, but for taking all modules apart, which lasts two seconds.
    threading._shutdown()  # type: ignore[attr-defined]  # what Python itself calls, and tells nobody of
    atexit._run_exitfuncs()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _execute(arguments: list[str], folder: str) -> None:
    """`[-P] -m MODULE ...` or `[-P] -c CODE ...`, as Python does."""
    safe = arguments[0] == "-P"
    kind, what, *others = arguments[safe:]
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [*([] if safe else [folder]), *filter(None, paths)]
    sys.argv = [kind, *others]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    _serve(sys.argv[1])
