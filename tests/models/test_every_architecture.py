"""No architecture may be chosen that has not been through the harness."""

from importlib import import_module
from pathlib import Path

from harness import ArchitectureTests

from components.trainer.models.registry import ARCHITECTURES


def test_every_architecture_goes_through_the_harness() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        import_module(path.stem)
    tested = {type(kind.parameters) for kind in ArchitectureTests.__subclasses__()}
    assert tested == set(ARCHITECTURES.values())
