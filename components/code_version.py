"""A hash of what a node computes with: TFX reuses results by class path, whatever the class does by now."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_LIBRARIES = (
    *("numpy", "opencv-python-headless", "pillow", "pydicom", "scipy"),
    *("tensorflow", "keras", "apache-beam", "tfx"),
)
_REGISTRY = "registry"
_OF = " of "


def code_version(*modules: str, root: Path = _ROOT) -> str:
    """`HASH of MODULE, ...`, by the sources of modules and of all that they import, with the templates beside them, and
    by the versions of the libraries that make the numbers: first 12 hex digits of a SHA-256.

    A module called `registry` lists what a config may choose. Neither the list counts nor what stands in it: the module
    of what was chosen must be among `modules`.
    """
    digest = hashlib.sha256(repr([(name, version(name)) for name in _LIBRARIES]).encode())
    for path in sorted(_with_templates(sources(*modules, root=root))):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()[:12]}{_OF}{', '.join(modules)}"


def installed(compiled: str) -> str:
    """What the version of the same modules is here.

    Raises:
        ModuleNotFoundError: one of them is not here, or `compiled` names none.
    """
    _, named, modules = compiled.partition(_OF)
    if not named:
        raise ModuleNotFoundError("an earlier version of Maskline compiled it")
    return code_version(*modules.split(", "))


def executors(root: Path = _ROOT) -> list[str]:
    """The modules of all nodes that are Maskline's, but for the trainer, whose executor is TFX's."""
    return sorted(f"components.{path.parent.name}.executor" for path in root.glob("components/*/executor.py"))


def sources(*modules: str, root: Path = _ROOT) -> set[Path]:
    """The files below `root` of modules, of the packages that they are in, and of all that they import.

    Imports are read from the sources, those within functions among them, but not those that only type checkers see.

    Raises:
        ModuleNotFoundError: one of `modules` is not there.
    """
    for module in modules:
        if _file(module, root) is None:
            raise ModuleNotFoundError(f"{module}: no such module below {root}")
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        path = _file(module, root)
        if path is None or module in found or module.endswith(f".{_REGISTRY}"):
            continue
        found[module] = path
        waiting += (module.rpartition(".")[0], *_imports(path.read_bytes()))
    return set(found.values())


def _file(module: str, root: Path) -> Path | None:
    """None of what is no part of `components`, beside which an installation has all other packages, or no module."""
    package, *parts = module.split(".")
    if package != __package__:
        return None
    place = root.joinpath(package, *parts)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@functools.cache
def _imports(source: bytes) -> tuple[str, ...]:
    return tuple(_imported(ast.parse(source)))


def _imported(node: ast.AST) -> Iterator[str]:
    """Every name that may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and child in node.body):
            yield from _imported(child)


def _with_templates(paths: set[Path]) -> set[Path]:
    folders = {path.parent / "templates" for path in paths}
    return paths.union(*(folder.glob("*") for folder in folders))
