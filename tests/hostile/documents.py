"""Tables, documents, archives and papers; pictures are in `hostile.images`."""

from __future__ import annotations

import os
import socket
import zipfile
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np

Maker = Callable[[Path], Path]
"""Writes one file into a folder that is there; returns its path."""


def fifo(folder: Path) -> Path:
    """Whoever opens it waits for a writer."""
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def endless(folder: Path) -> Path:
    """A link to a device that never ends."""
    (folder / "endless").symlink_to("/dev/zero")
    return folder / "endless"


def ear(folder: Path) -> Path:
    """A socket; the name of the folder may be too long for one."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("ear")
    finally:
        os.chdir(here)
    return folder / "ear"


def dangling(folder: Path) -> Path:
    (folder / "dangling").symlink_to(folder / "nowhere")
    return folder / "dangling"


def circle(folder: Path) -> Path:
    """A link to itself."""
    (folder / "circle").symlink_to("circle")
    return folder / "circle"


def inner_folder(folder: Path) -> Path:
    (folder / "inner_folder").mkdir()
    return folder / "inner_folder"


def sparse(folder: Path) -> Path:
    """100 GB of NUL that take no room."""
    with (folder / "sparse").open("wb") as file:
        file.truncate(100 * 10**9)
    return folder / "sparse"


def _text(name: str, text: Callable[[], str]) -> Maker:
    once = cache(text)

    def make(folder: Path) -> Path:
        (folder / name).write_text(once())
        return folder / name

    return make


def _bytes(name: str, content: Callable[[], bytes]) -> Maker:
    once = cache(content)

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(once())
        return folder / name

    return make


def _zip(entries: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", packed) as archive:
        for name, one in entries.items():
            archive.writestr(name, one)
    return content.getvalue()


def _npy_header(shape: str) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header


def _bomb(name: str, mb: int, begin: bytes = b"") -> bytes:
    """An archive of one file of zeros."""
    content = BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        file.write(begin)
        for _ in range(mb):
            file.write(bytes(2**20))
    return content.getvalue()


def _overlapping(members: int) -> bytes:
    """An archive whose list names one file of zeros many times."""
    whole = _bomb("a", 1)
    place = whole.index(b"PK\1\2")
    listed = whole[place : whole.index(b"PK\5\6")]
    entries = b"".join(listed.replace(b"a", b"%c" % 97, 1)[:-1] + b"a" for _ in range(members))
    end = b"PK\5\6" + bytes(4) + 2 * min(members, 65535).to_bytes(2, "little")
    return whole[:place] + entries + end + len(entries).to_bytes(4, "little") + place.to_bytes(4, "little") + bytes(2)


ANYTHING: dict[str, Maker] = {
    "fifo": fifo,
    "endless": endless,
    "socket": ear,
    "dangling link": dangling,
    "link to itself": circle,
    "folder": inner_folder,
    "sparse": sparse,
    "nothing": _bytes("nothing", bytes),
    "noise": _bytes("noise", lambda: np.random.default_rng(0).bytes(2**18)),
    "one long line": _text("line", lambda: "1" * 2**20),
    "spaces": _text("spaces", lambda: "1" + " " * 2**20 + "x"),
    "many lines": _text("lines", lambda: "\n" * 2**18),
    "many short lines": _text("short", lambda: "1,\n" * 2**16),
    "brackets": _text("brackets", lambda: "[" * 2**20),
    "objects": _text("objects", lambda: '{"a":' * 2**18),
    "elements": _text("elements", lambda: "<a>" * 2**16),
    "a number of a million digits": _text("digits", lambda: '{"version": 1, "a": ' + "1" * 10**6 + "}"),
    "a property list of a large number": _text(
        "plist", lambda: "<plist><dict><key>Images</key><integer>" + "1" * 10**6 + "</integer></dict></plist>"
    ),
    "entities": _text(
        "entities",
        lambda: (
            '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">'
            + "".join(f'<!ENTITY b{n} "{f"&b{n - 1 or str()};" * 10}">' for n in range(1, 12))
            + "]><a>&b11;</a>"
        ),
    ),
    "many empty lists": _text("lists", lambda: "[" + "[]," * (8 * 2**20) + "[]]"),
    "many empty objects": _text("empties", lambda: '{"images":[' + "{}," * (3 * 2**20) + "{}]}"),
    "columns": _text("columns", lambda: ",".join(f"c{n}" for n in range(10**5)) + "\n" + "1\n" * 10**5),
    "separators": _text("separators", lambda: "image,mask\n" + "," * (10 * 2**20) + "\n"),
    "dotted keys": _text("dotted", lambda: ".".join(["a"] * 10**5) + " = 1\n"),
    "many keys": _text("keys", lambda: "".join(f"k{n} = 1\n" for n in range(10**5))),
}
"""Whoever reads files may meet one under any name."""

ARCHIVES: dict[str, Maker] = {
    "zeros": _bytes("zeros.zip", lambda: _bomb("saved_model.pb", 100)),
    "an array of zeros": _bytes("zeros.npz", lambda: _bomb("mask.npy", 100, _npy_header(f"({2**14}, {2**14}, 2)"))),
    "an array that is not there": _bytes("claims.npz", lambda: _zip({"mask.npy": _npy_header("(8, 8, 99999999)")})),
    "a header of a megabyte": _bytes(
        "header.npz", lambda: _zip({"mask.npy": b"\x93NUMPY\2\0\0\0\x10\0" + b"(" * 2**20})
    ),
    "members": _bytes("members.zip", lambda: _zip({f"member-{n:06d}.npy": b"" for n in range(20_000)})),
    "one file, many names": _bytes("names.zip", lambda: _overlapping(400_000)),
    "long names": _bytes("long.zip", lambda: _zip({chr(97 + n) * 65_000: b"" for n in range(20)})),
    "deep folders": _bytes("deep.zip", lambda: _zip({f"{n}/" + "a/" * 1500 + "b": b"" for n in range(50)})),
    "a file and a folder of one name": _bytes("both.zip", lambda: _zip({"a": b"", "a/b": b""})),
}
"""For whoever unpacks."""
