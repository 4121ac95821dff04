"""What changes a component's version, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from raw_images import write

from components.code_version import code_version

FILES = ["errors.py", "imaging/codecs.py", "trainer/run.py", "trainer/models/unet.py", "pusher/core.py"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        write(tmp_path / name, b"x = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("trainer/run.py", True, id="own"),
        pytest.param("trainer/models/unet.py", True, id="own, below"),
        pytest.param("trainer/models/sharp.py", True, id="own, new"),
        pytest.param("trainer/page.html.j2", True, id="own template"),
        pytest.param("errors.py", True, id="shared"),
        pytest.param("imaging/codecs.py", True, id="imaging"),
        pytest.param("imaging/tiles.py", True, id="imaging, new"),
        pytest.param("pusher/core.py", False, id="another component's"),
        pytest.param("trainer/__pycache__/run.cpython-311.pyc", False, id="bytecode"),
        pytest.param("trainer/notes.md", False, id="notes"),
    ],
)
def test_what_changes_the_version(root: Path, name: str, changes: bool) -> None:
    before = code_version("trainer", root)
    write(root / name, b"x = 2\n")
    assert (code_version("trainer", root) != before) is changes


def test_a_moved_file_changes_the_version(root: Path) -> None:
    before = code_version("trainer", root)
    (root / "trainer" / "run.py").rename(root / "trainer" / "fit.py")
    assert code_version("trainer", root) != before


def test_the_place_on_disk_does_not_matter(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in reversed(FILES):
        write(elsewhere / name, (root / name).read_bytes())
    assert code_version("trainer", elsewhere) == code_version("trainer", root)


def test_components_differ(root: Path) -> None:
    versions = {code_version(package, root) for package in ("trainer", "pusher")}
    assert len(versions) == 2
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)


@pytest.mark.parametrize("name", FILES)
def test_without_a_name_every_component_counts(root: Path, name: str) -> None:
    before = code_version("", root)
    write(root / name, b"x = 2\n")
    assert code_version("", root) != before
