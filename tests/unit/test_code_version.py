"""What changes a node's version, and what does not."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from raw_images import write

from components.code_version import code_version, executors, sources
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.version import trainer_version

REPOSITORY = Path(__file__).parents[2]
REGISTRY = "from components.net.registry import NETS\n"
FILES = {
    "components/__init__.py": "",
    "components/errors.py": "",
    "components/unused.py": "",
    "components/codecs/__init__.py": "",
    "components/codecs/png.py": "from components.errors import Unreadable\n",
    "components/codecs/jpeg.py": "",
    "components/typed.py": "",
    "numpy/__init__.py": "",
    "components/late.py": "",
    "components/net/__init__.py": "",
    "components/net/plain.py": "",
    "components/net/sharp.py": "",
    "components/net/registry.py": "from components.net.plain import Plain\nfrom components.net.sharp import Sharp\n",
    "components/node/__init__.py": "",
    "components/node/page.py": "",
    "components/node/templates/page.html.j2": "",
    "components/node/executor.py": REGISTRY
    + """
import numpy
from typing import TYPE_CHECKING
from components.codecs import png
from components.node import page
if TYPE_CHECKING:
    from components.typed import Kind
else:
    import components.errors
def later():
    import components.late
""",
}
USED = {
    *("components/__init__.py", "components/errors.py", "components/codecs/__init__.py", "components/codecs/png.py"),
    *("components/late.py", "components/node/__init__.py", "components/node/page.py", "components/node/executor.py"),
}
NODE = "components.node.executor"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / name, text.encode())
    return tmp_path


def names(paths: set[Path], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in paths}


def test_what_is_imported_counts_and_nothing_else(root: Path) -> None:
    assert names(sources(NODE, root=root), root) == USED
    chosen = sources(NODE, "components.net.sharp", root=root)
    assert names(chosen, root) - USED == {"components/net/__init__.py", "components/net/sharp.py"}


@pytest.mark.parametrize("name", [*FILES, "components/node/templates/new.css", "components/node/notes.md"])
def test_what_changes_the_version(root: Path, name: str) -> None:
    before = code_version(NODE, root=root)
    path = root / name
    write(path, (path.read_bytes() if path.is_file() else b"") + b"# edited\n")
    assert (code_version(NODE, root=root) != before) is (name in USED or "/templates/" in name)


def test_a_moved_file_changes_the_version(root: Path) -> None:
    before = code_version(NODE, root=root)
    (root / "components/codecs/png.py").rename(root / "components/codecs/portable.py")
    source = root / "components/node/executor.py"
    source.write_text(source.read_text().replace("codecs import png", "codecs import portable"))
    assert code_version(NODE, root=root) != before


def test_the_place_on_disk_does_not_matter(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name, text in reversed(FILES.items()):
        write(elsewhere / name, text.encode())
    assert code_version(NODE, root=elsewhere) == code_version(NODE, root=root)


def test_a_module_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"components\.nodes\.executor: no such module below"):
        code_version("components.nodes.executor", root=root)


class TestOwnTree:
    """What the nodes of the graph import, read from their sources and as Python does."""

    def test_the_nodes_are_those_of_the_graph(self) -> None:
        first = ("augmentor", "champion_resolver", "data_gate", "evaluator", "example_gen")
        nodes = (*first, "pusher", "run_report", "serving_check")
        assert executors() == [f"components.{node}.executor" for node in nodes]

    @pytest.mark.parametrize("module", [*executors(), "components.trainer.run"])
    def test_python_imports_nothing_else(self, module: str) -> None:
        script = f"import sys, {module}; print(*(name for name in sys.modules if name.split('.')[0] == 'components'))"
        printed = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", script],
            capture_output=True, text=True, check=True, env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        ).stdout.split()  # fmt: skip
        chosen = [architecture.__module__ for architecture in ARCHITECTURES.values()]
        found = {path.resolve() for path in sources(module, *(chosen if "trainer" in module else []))}
        for name in printed:
            if not name.endswith(".registry"):
                assert Path(importlib.import_module(name).__file__ or "").resolve() in found, name

    def test_a_measure_concerns_its_evaluation_alone(self) -> None:
        concerned = [node for node in executors() if REPOSITORY / "components/measures/overlap.py" in sources(node)]
        assert concerned == ["components.evaluator.executor"]

    def test_a_codec_concerns_the_records(self) -> None:
        assert REPOSITORY / "components/imaging/files/codecs.py" in sources("components.example_gen.executor")

    def test_another_architecture_concerns_no_training(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = trainer_version("unet")
        monkeypatch.setitem(ARCHITECTURES, "other", ARCHITECTURES["unet"])
        assert trainer_version("unet") == before
        assert trainer_version("missing") != before
