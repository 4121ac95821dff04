"""Annotations, tables, configs, and what Maskline has written itself."""

from __future__ import annotations

import io
import json
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from components.errors import UsageError
from components.example_gen.documents import document_kind
from components.example_gen.listing import list_samples
from components.example_gen.settings import DataSettings
from components.example_gen.truth import Picture, read_truth
from components.example_gen.unusable import Unusable
from components.imaging.files.codecs import encode_png
from components.predictions.parts import Parts
from components.seen.known import learnt_by
from components.seen.prints import COARSE_SIDE, Prints, read_prints, write_prints
from components.serving_dir import champion_version, data_section, read_manifest, read_split_report
from components.unpacked import unpacked
from pipeline.config.loader import load_config, load_execution
from pipeline.runs.record import read_run
from pipeline.schedule.ledger import read_ledger
from tests.fuzz import formats
from tests.fuzz.mutate import Change, cells, json_tree, lines, members, packed, tree, words, xml_tree
from tests.fuzz.reader import Reader
from tests.unit import annotation_documents as documents

_ROOT = Path(__file__).parents[2]
_IMAGE = encode_png(np.arange(120, dtype=np.uint8).reshape(10, 12))
_VERSION = "1700000000"


def _laid_out(layout: str, up: int = 0, **settings: Any) -> Callable[[Path], object]:
    """Lists the folder `up` above a file and reads the truth of its samples; returns why others are rejects."""
    data = DataSettings(layout=layout, height=16, width=16, max_megapixels=1, **settings)

    def read(path: Path) -> object:
        root = path.parents[up]
        listing = list_samples(root, data)
        reasons = [str(each.reason) for each in (*listing.rejects, *listing.left_out)]
        for sample in listing.samples:
            try:
                read_truth(root, Picture(sample, (10, 12), 1), data)
            except Unusable as error:
                reasons.append(str(error))
        return reasons

    return read


def _kind(path: Path) -> object:
    return document_kind(path)


def _annotations(document: Any, name: str, *changes: Change, image: str = "images/a.png") -> Reader:
    more = [documents.text_of(each).encode() for each in (document if isinstance(document, tuple) else (document,))]
    return Reader(
        lambda: more,
        (
            _laid_out("annotations", len(Path(name).parts) - 1),
            _laid_out("annotations", len(Path(name).parts) - 1, classes=["mass", "other"]),
            _kind,
        ),
        (UsageError,),
        changes,
        name,
        {image: _IMAGE},
    )


_LABELME = (
    documents.labelme("a.png"),
    documents.labelme_mask("a.png"),
    documents.labelme("a.png", shape_type="circle", points=[[5, 5], [7, 5]]),
)


def _label_studio() -> tuple[Any, ...]:
    plain = documents.label_studio(["a.png"])
    kinds = {
        "rectanglelabels": {"x": 10, "y": 10, "width": 50, "height": 40, "rotation": 20, "rectanglelabels": ["mass"]},
        "ellipselabels": {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 0, "ellipselabels": ["mass"]},
        "brushlabels": {"format": "rle", "rle": [0, 0, 3, 192, 39, 0, 255, 128], "brushlabels": ["mass"]},
    }
    found = [plain]
    for kind, value in kinds.items():
        other = json.loads(json.dumps(plain))
        other[0]["annotations"][0]["result"][0] |= {"type": kind, "value": value}
        found.append(other)
    return tuple(found)


def _coco() -> tuple[Any, ...]:
    found = [documents.coco(["a.png"]) for _ in range(3)]
    found[1]["annotations"][0] |= {"iscrowd": 1, "segmentation": {"size": [10, 12], "counts": [32, 4, 6, 4, 74]}}
    found[2]["annotations"][0] |= {"segmentation": {"size": [10, 12], "counts": "P14f0"}}
    return tuple(found)


def _cvat() -> tuple[str, ...]:
    plain = documents.cvat(["a.png"])
    shapes = (
        '<box label="mass" xtl="1" ytl="1" xbr="5" ybr="5" rotation="30" z_order="1"/>',
        '<ellipse label="mass" cx="5" cy="5" rx="2" ry="1" rotation="10" z_order="0"/>',
        '<mask label="mass" rle="1, 3, 2, 2" left="2" top="1" width="4" height="2" z_order="0"/>',
    )
    return (plain, *(plain.replace("</polygon>", "</polygon>" + shape) for shape in shapes))


_DDSM = (
    "patient_id,left or right breast,pathology,image file path,cropped image file path,ROI mask file path\n"
    "P_1,LEFT,MALIGNANT,P_1_LEFT/1/2/000000.dcm,P_1_LEFT_1/1/2/000001.dcm,P_1_LEFT_1/1/2/000000.dcm\n"
)
_VIA_ROWS = (
    "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    'a.png,99,{},2,0,"{""name"":""circle"",""cx"":5,""cy"":5,""r"":3}","{""label"":""mass""}"\n'
    'a.png,99,{},2,1,"{""name"":""polygon"",""all_points_x"":[1,5,5],""all_points_y"":[1,1,6]}","{""label"":""mass""}"\n'
)
_BCSS = [
    {
        "annotation": {
            "elements": [
                {
                    "type": "rectangle",
                    "group": "roi",
                    "center": [1006, 2005, 0],
                    "width": 12,
                    "height": 10,
                    "rotation": 0,
                }
            ]
        }
    },
    {
        "annotation": {
            "elements": [
                {"type": "polyline", "group": "tumor", "points": [[1002, 2003, 0], [1009, 2003, 0], [1009, 2008, 0]]}
            ]
        }
    },
]
_MANIFEST = b"image,mask,group,label,split,site,id\na.png,m.png,p1,benign,train,x,one\nb.png,m.png;n.png,p2,,test,,\nc.png,,,,,,\n"
_MANIFEST_TOML = (
    b'[[sample]]\nimage = "a.png"\nmask = ["m.png"]\ngroup = "p"\nlabel = "x"\n[[sample]]\nimage = "b.png"\nmask = ""\n'
)
_MIAS = b"mdb001 G CIRC B 5 4 3\nmdb002 G NORM\nmdb003 D SPIC M 5 5 2\n"
_FILES = {f"{name}.png": _IMAGE for name in "abcmn"}
toml_tree = tree(tomllib.loads, tomli_w.dumps)


def _recipes() -> list[bytes]:
    return [path.read_bytes() for path in sorted((_ROOT / "pipeline/recipes").glob("*.toml"))]


def _config(path: Path) -> None:
    load_config(str(path))


def _execution(path: Path) -> None:
    load_execution(str(path))


def _runs() -> list[bytes]:
    runs = json.loads((_ROOT / "tests/golden/runs.json").read_text())
    return [json.dumps(run).encode() for run in runs.values()]


def _run(path: Path) -> object:
    record = read_run(path.parent)
    return [str(scores.mean) + scores.title for scores in (record.scores, record.out_of_fold) if scores]


def _ledger() -> list[bytes]:
    line = {"slot": "2026-11-29T17:00:00+00:00", "decision": "ran", "reason": "new data", "attempt": 1, "exit_code": 0}
    other = {"slot": "2026-11-30T17:00:00+01:00", "decision": "missed", "reason": "asleep", "reasons": ["a"]}
    return [(json.dumps(line) + "\n" + json.dumps(other) + "\n").encode()]


def _lines_of(change: Change) -> Change:
    def changed(rng: Any, content: bytes) -> bytes:
        found = content.splitlines()
        at = rng.randrange(len(found))
        found[at] = change(rng, found[at])
        return b"\n".join(found) + b"\n"

    return changed


def _ledger_read(path: Path) -> object:
    return [str(each.slot) for each in read_ledger(path)]


def _zips() -> list[bytes]:
    found = []
    for names in (["model/a.json", "model/b/c.txt"], ["a.json", "b.txt"]):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"{}" * 99, zipfile.ZIP_DEFLATED)
        found.append(file.getvalue())
    return found


def _unpack(path: Path) -> None:
    with unpacked(path, 100, 6_000_000) as folder:
        assert folder.is_dir()


def _prints() -> list[bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signatures.npz"
        write_prints(path, Prints(["ab" * 32, "cd" * 32], np.ones((2, COARSE_SIDE, COARSE_SIDE), np.int8)))
        return [path.read_bytes()]


_SPLITS = {
    "records": [
        {"group": "p1", "split": "train", "source": "a.png", "sha256": "ab" * 32, "source_height": 10, "source_width": 12, "foreground": 0.1, "mean": 1.0, "std": 2.0},
        {"group": "p2", "split": "test", "source": "b.png", "sha256": "cd" * 32},
    ],
    "rejects": [{"source": "c.png", "kind": "unreadable"}],
    "left_out": [],
    "without_records": ["d"],
    "salted": None,
}  # fmt: skip
del _SPLITS["salted"]
_SPLIT_REPORT = json.dumps(_SPLITS).encode()
_SALTED = json.dumps({**_SPLITS, "salted": {"file": "salt", "mark": "ab"}}).encode()
_MANIFESTS = [
    {"version": _VERSION, "config": {"data": {"adjust": {"colour_space": "rgb"}, "mask": {}, "tiles": None, "classes": ["a"]}}, "warm_starts": 0, "replaces": None, "engines": {"openvino": True}},
    {"version": _VERSION, "config": {"data": {}}, "model_sha256": "ab", "data_fingerprint": "cd", "warm_starts": 1, "replaces": "1600000000"},
]  # fmt: skip


def _served(path: Path) -> None:
    serving = path.parents[1]
    for read in (champion_version, lambda folder: read_manifest(folder, _VERSION)):
        with suppress(UsageError):
            read(serving)
    for read in (data_section, read_split_report, learnt_by):
        with suppress(UsageError):
            read(path.parent)


def _pointed(path: Path) -> None:
    champion_version(path.parent)


def _plane(path: Path) -> None:
    Parts(path.parent, 300, 200).plane("mask", np.uint8).whole()


def _read_prints(path: Path) -> None:
    read_prints(path, "Copy it anew.")


def _table(
    layout: str, seeds: list[bytes], name: str, up: int, beside: dict[str, bytes], *changes: Change, **data: Any
) -> Reader:
    return Reader(lambda: seeds, (_laid_out(layout, up, **data),), (UsageError,), changes, name, beside)


def _paper(name: str, seeds: list[bytes], beside: dict[str, bytes]) -> Reader:
    return Reader(lambda: seeds, (_served,), (UsageError,), (json_tree,), f"{_VERSION}/{name}", beside)


_SERVED = {"CHAMPION.json": json.dumps({"version": _VERSION}).encode()}
_BCSS_NAME = "annotations/TCGA-A1-A0SK-01Z-00-DX1.A44D70FA.json"
READERS = {
    "coco": _annotations(_coco(), "annotations/instances.json", json_tree),
    "labelme": _annotations(_LABELME, "images/a.json", json_tree),
    "via": _annotations(documents.via(["a.png"]), "via_region_data.json", json_tree),
    "cvat": _annotations(_cvat(), "annotations.xml", xml_tree),
    "geojson": _annotations(documents.geojson(), "annotations/a.geojson", json_tree),
    "imagescope": _annotations(documents.imagescope(), "images/a.xml", xml_tree),
    "label_studio": _annotations(_label_studio(), "project-1.json", json_tree),
    "run_lengths": _annotations(documents.run_lengths(["a.png"]), "train.csv", cells(","), words),
    "inbreast": _annotations(documents.inbreast(), "AllXML/a.xml", words, lines, image="images/a_6c613a14_MG_R_CC_ANON.png"),
    "cbis_ddsm": _annotations(_DDSM, "table.csv", cells(","), image="P_1_LEFT/1/2/000000.dcm"),
    "via_rows": _table("via", [_VIA_ROWS.encode()], "shapes.csv", 0, {"images/a.png": _IMAGE}, cells(",")),
    "bcss": _table("bcss", [json.dumps(_BCSS).encode()], _BCSS_NAME, 1, {"images/TCGA-A1-A0SK-DX1_xmin1000_ymin2000_MPP-0.2500.png": _IMAGE}, json_tree, classes=["tumor", "stroma"]),
    "mias": _table("mias", [_MIAS], "Info.txt", 0, {f"mdb00{number}.pgm": b"P5 12 10 255\n" + bytes(120) for number in (1, 2, 3)}, words, lines),
    "sipakmed": _table("sipakmed", [b"2,1\n6,1\n6,4\n2,4\n"], "im_Dyskeratotic/001_cyt01.dat", 1, {"im_Dyskeratotic/001.bmp": _IMAGE}, words, lines),
    "manifest": _table("manifest", [_MANIFEST], "manifest.csv", 0, _FILES, cells(",")),
    "manifest_toml": _table("manifest", [_MANIFEST_TOML], "manifest.toml", 0, _FILES, toml_tree, words),
    "config": Reader(_recipes, (_config, _execution), (UsageError,), (toml_tree, toml_tree, words), "recipe.toml"),
    "model_zip": Reader(_zips, (_unpack,), (UsageError,), (members(),), "model.zip"),
    "run_record": Reader(_runs, (_run,), (UsageError,), (json_tree,), "runs/20261129-173241/run.json"),
    "ledger": Reader(_ledger, (_ledger_read,), (UsageError,), (_lines_of(json_tree), lines), "schedule.jsonl"),
    "parts": Reader(lambda: [zlib.compress(bytes(300 * 200))], (_plane,), (UsageError,), (packed(zlib.decompress, zlib.compress, []),), "mask.00000"),
    "pointer": Reader(lambda: [b'{"version": "1700000000", "next": "1"}'], (_pointed,), (UsageError,), (json_tree,), "CHAMPION.json", {f"{_VERSION}/MANIFEST.json": b"{}"}),
    "served_manifest": _paper("MANIFEST.json", [json.dumps(each).encode() for each in _MANIFESTS], {**_SERVED, f"{_VERSION}/split_report.json": _SPLIT_REPORT}),
    "split_report": _paper("split_report.json", [_SPLIT_REPORT, _SALTED], {**_SERVED, f"{_VERSION}/MANIFEST.json": json.dumps(_MANIFESTS[0]).encode(), "salt": b"s" * 32}),
    "signatures": Reader(_prints, (_read_prints,), (UsageError,), (members(formats.npy_header),), "signatures.npz"),
}  # fmt: skip
