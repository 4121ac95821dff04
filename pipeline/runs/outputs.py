"""The artifacts of an output folder before a run and while it is on: half ones pruned, damaged ones made again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.disk import DiskFull, full_disk_named
from components.errors import ExitCode, MasklineError, exit_code_of
from components.state import BrokenState
from pipeline.runs.contents import damage, doubt, remove
from pipeline.runs.leftovers import artifact_of, prune


class DamagedOutput(MasklineError):
    """A node has failed over what another one has left: the next run makes it again."""


def tidied(out: Path, finished: Iterable[Path]) -> dict[str, str]:
    """Prunes an output folder, whose lock the caller holds, and removes of its finished artifacts the damaged ones.

    Returns:
        Why its cached result is gone, by node.
    """
    artifacts = [artifact_of(path) for path in finished]
    prune(out, set(artifacts))
    gone = {}
    for node, key, number in artifacts:
        artifact = out / "artifacts" / node / key / number
        if found := damage(artifact):
            remove(artifact)
            gone[node] = f"its output {key}/{number}/{found}"
    return gone


@contextmanager
def explained(node: str, folders: Collection[Path], outputs: Collection[Path]) -> Iterator[None]:
    """Within it a node runs: a full disk becomes `DiskFull`; where an output of those before it, which it may have
    read, is no longer what it was, that is the error, and the next run removes it."""
    try:
        with full_disk_named(*folders):
            yield
    except Exception as error:
        crashed = exit_code_of(error) == ExitCode.FAILED and not isinstance(error, DiskFull)
        if crashed or isinstance(error, BrokenState):
            _raise_over_damage(node, outputs, error)
        raise


def _raise_over_damage(node: str, outputs: Iterable[Path], error: Exception) -> None:
    for output in outputs:
        if found := damage(output, thorough=True):
            # Not removed: the record of this run is still to be made of it.
            doubt(output)
            maker = artifact_of(output)[0]
            raise DamagedOutput(
                f"{output}/{found}: it is not what {maker} has written, and {node} failed. Give the same "
                f"command again: {maker} makes it anew"
            ) from error
