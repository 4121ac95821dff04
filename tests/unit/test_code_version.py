"""What changes a node's version, and what does not."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from raw_images import write

from components.code_version import code_version, executors, sources
from components.evaluator.version import evaluator_version
from components.example_gen.layouts.registry import LAYOUTS
from components.example_gen.version import example_gen_version
from components.imaging.annotations.registry import FORMATS
from components.measures.all import MEASURES
from components.trainer.encoders.registry import ENCODERS
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import ARCHITECTURES, network_module
from components.trainer.models.unet.parameters import UNet
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.settings import Model
from components.trainer.version import trainer_version
from pipeline.config.loader import load_config

REPOSITORY = Path(__file__).parents[2]
CHOICES = {
    "components.example_gen.layouts": [layout.listing.__module__ for layout in LAYOUTS.values()],
    "components.imaging.annotations": [each.read.__module__ for each in FORMATS.values()],
    "components.trainer.models": [network_module(name) for name in ARCHITECTURES],
    "components.trainer.encoders": sorted({*ENCODERS.values()}),
    "components.trainer.losses": list(LOSSES.values()),
    "components.measures": sorted({measure.of.__module__ for measure in MEASURES.values()}),
    "components.trainer.optimizers": list(OPTIMIZERS.values()),
}
"""Packages of which a config chooses, and the modules that it chooses from."""
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


NODES = [*executors(), "components.trainer.run"]
IMPORTS = """
import importlib, os, sys
import apache_beam, keras, tensorflow, tensorflow_data_validation, tfx.components

for module in sys.argv[1:]:
    if os.fork():
        os.wait()
    else:
        importlib.import_module(module)
        print(module, *(name for name in sys.modules if name.split(".")[0] == "components"), flush=True)
        os._exit(0)
"""


class TestOwnTree:
    """What the nodes of the graph import, read from their sources and as Python does."""

    @pytest.fixture(scope="class")
    def imported(self) -> dict[str, list[str]]:
        """What of our own each node imports, by Python itself; a child each of one process that has all others'."""
        printed = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", IMPORTS, *NODES],
            capture_output=True, text=True, check=True, env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        ).stdout  # fmt: skip
        return {module: names for module, *names in map(str.split, printed.splitlines())}

    @pytest.mark.long
    @pytest.mark.parametrize("module", NODES)
    def test_python_imports_nothing_else(self, module: str, imported: dict[str, list[str]]) -> None:
        printed = imported[module]
        listed = [name for package, names in CHOICES.items() if f"{package}.registry" in printed for name in names]
        found = {path.resolve() for path in sources(module, *listed)}
        assert module in printed
        for name in printed:
            if not name.endswith(".registry"):
                assert Path(importlib.import_module(name).__file__ or "").resolve() in found, name

    def test_a_measure_concerns_its_evaluation_alone(self) -> None:
        overlap = REPOSITORY / "components/measures/overlap.py"
        concerned = [node for node in NODES if overlap in sources(node)]
        assert concerned == [
            f"components.{node}.executor" for node in ("calibrator", "engine_export", "evaluator", "out_of_fold")
        ]
        assert overlap in sources(*evaluator_version("ce_dice").partition(" of ")[2].split(", "))

    def test_a_page_concerns_no_training(self) -> None:
        report = REPOSITORY / "components/run_report"
        assert not [path for path in sources("components.trainer.run") if path.is_relative_to(report)]

    def test_a_codec_concerns_the_records(self) -> None:
        assert REPOSITORY / "components/imaging/files/codecs.py" in sources("components.example_gen.executor")


class TestChoices:
    """Versions of a copy of the own tree, with a second architecture, loss and optimizer."""

    @pytest.fixture
    def tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        shutil.copytree(
            REPOSITORY / "components", tmp_path / "components", ignore=shutil.ignore_patterns("__pycache__")
        )
        for node in ("example_gen", "trainer", "evaluator"):
            monkeypatch.setattr(f"components.{node}.version.code_version", partial(code_version, root=tmp_path))
        for file in ("models/other/__init__", "models/other/network", "losses/other", "optimizers/other"):
            write(tmp_path / f"components/trainer/{file}.py", b"")
        monkeypatch.setitem(ARCHITECTURES, "other", UNet)
        monkeypatch.setitem(LOSSES, "other", "components.trainer.losses.other")
        monkeypatch.setitem(OPTIMIZERS, "other", "components.trainer.optimizers.other")
        return tmp_path

    def versions(self) -> dict[str, str]:
        """Of example_gen with each layout, of the trainer with the usual choices, with one other each and with two
        encoders, and of the evaluator with both losses."""
        usual = load_config("demo").trainer
        model = usual.model.model_copy(update={"architecture": "other"})
        loss, optimizer = (usual.training.model_copy(update={key: "other"}) for key in ("loss", "optimizer"))
        others = {"models": {"model": model}, "losses": {"training": loss}, "optimizers": {"training": optimizer}}
        encoders = {
            name: usual.model_copy(update={"model": Model(architecture="encoder_unet", parameters={"encoder": name})})
            for name in ("efficientnet_lite0", "vgg16")
        }
        trainers = {name: usual.model_copy(update=change) for name, change in {"usual": {}, **others}.items()}
        return {
            **{name: example_gen_version(name) for name in LAYOUTS},
            **{name: trainer_version(settings) for name, settings in trainers.items()},
            **{name: trainer_version(settings) for name, settings in encoders.items()},
            "evaluator": evaluator_version("ce_dice"),
            "evaluator, other loss": evaluator_version("other"),
        }

    @pytest.mark.parametrize(
        ("file", "concerned"),
        [
            *((f"example_gen/layouts/{name}.py", {name}) for name in LAYOUTS if name != "folders"),
            # A split of `presplit` is laid out as `folders`.
            ("example_gen/layouts/folders.py", {"folders", "presplit"}),
            ("example_gen/layouts/via_rows.py", {"via"}),
            ("imaging/annotations/coco.py", {"annotations"}),
            ("imaging/annotations/raster.py", {"annotations"}),
            ("example_gen/layouts/layout.py", set(LAYOUTS)),
            ("example_gen/core.py", set(LAYOUTS)),
            ("trainer/models/unet/network.py", {"usual", "losses", "optimizers"}),
            ("trainer/models/unet/parameters.py", {"usual", "losses", "optimizers"}),
            ("trainer/models/other/network.py", {"models"}),
            ("trainer/encoders/plain.py", {"usual", "losses", "optimizers"}),
            ("trainer/encoders/weights.py", {"efficientnet_lite0", "vgg16"}),
            ("trainer/encoders/efficientnet_lite.py", {"efficientnet_lite0"}),
            ("trainer/encoders/torch_pickle.py", {"efficientnet_lite0"}),
            ("trainer/encoders/applications.py", {"vgg16"}),
            ("trainer/models/encoder_unet/network.py", {"efficientnet_lite0", "vgg16"}),
            (
                "trainer/losses/ce_dice.py",
                {"usual", "models", "optimizers", "efficientnet_lite0", "vgg16", "evaluator"},
            ),
            ("trainer/losses/other.py", {"losses", "evaluator, other loss"}),
            ("measures/overlap.py", {"evaluator", "evaluator, other loss"}),
            ("evaluator/limits.py", {"evaluator", "evaluator, other loss"}),
            ("trainer/optimizers/adam.py", {"usual", "models", "losses", "efficientnet_lite0", "vgg16"}),
            ("trainer/optimizers/other.py", {"optimizers"}),
            ("trainer/run.py", {"usual", "models", "losses", "optimizers", "efficientnet_lite0", "vgg16"}),
        ],
    )
    def test_a_change_concerns_those_that_chose_it(self, tree: Path, file: str, concerned: set[str]) -> None:
        before = self.versions()
        with (tree / "components" / file).open("a") as source:
            source.write("# edited\n")
        after = self.versions()
        assert {name for name in before if before[name] != after[name]} == concerned

    def test_a_layout_that_is_none_has_no_version(self) -> None:
        with pytest.raises(KeyError, match="missing"):
            example_gen_version("missing")

    @pytest.mark.parametrize("package", CHOICES)
    def test_one_more_to_choose_from_concerns_nothing(self, tree: Path, package: str) -> None:
        def everything() -> list[str]:
            return [*self.versions().values(), *(code_version(node, root=tree) for node in executors())]

        before, folder = everything(), tree / package.replace(".", "/")
        (folder / "new.py").write_text("import components.errors\n")
        with (folder / "registry.py").open("a") as registry:
            registry.write(f"from {package} import new\n")
        assert everything() == before
