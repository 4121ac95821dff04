"""Tables of truth and what published sets of data bring along, through the layouts that read them."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import tomli_w

from components.errors import UsageError
from fuzz.annotations import IMAGE, laid_out
from fuzz.mutate import Change, lines, words
from fuzz.reader import Reader
from fuzz.trees import cells, json_tree, tree

toml_tree = tree(tomllib.loads, tomli_w.dumps)
_VIA_ROWS = """filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes
a.png,99,{},2,0,"{""name"":""circle"",""cx"":5,""cy"":5,""r"":3}","{""label"":""mass""}"
a.png,99,{},2,1,"{""name"":""polygon"",""all_points_x"":[1,5,5],""all_points_y"":[1,1,6]}","{""label"":""mass""}"
"""
_ROI = {"type": "rectangle", "group": "roi", "center": [1006, 2005, 0], "width": 12, "height": 10, "rotation": 0}
_TUMOR = {"type": "polyline", "group": "tumor", "points": [[1002, 2003, 0], [1009, 2003, 0], [1009, 2008, 0]]}
_BCSS = [{"annotation": {"elements": [each]}} for each in (_ROI, _TUMOR)]
_MANIFEST = """image,mask,group,label,split,site,id
a.png,m.png,p1,benign,train,x,one
b.png,m.png;n.png,p2,,test,,
c.png,,,,,,
"""
_MANIFEST_TOML = """[[sample]]
image = "a.png"
mask = ["m.png"]
group = "p"
label = "x"
[[sample]]
image = "b.png"
mask = ""
"""
_MIAS = "mdb001 G CIRC B 5 4 3\nmdb002 G NORM\nmdb003 D SPIC M 5 5 2\n"
_FILES = {f"{name}.png": IMAGE for name in "abcmn"}
_FILMS = {f"mdb00{number}.pgm": b"P5 12 10 255\n" + bytes(120) for number in (1, 2, 3)}


def _reader(layout: str, seed: str, name: str, beside: dict[str, bytes], *changes: Change, **settings: Any) -> Reader:
    read = laid_out(layout, name.count("/"), **settings)
    return Reader(lambda: [seed.encode()], (read,), (UsageError,), changes, name, beside)


READERS = {
    "via_rows": _reader("via", _VIA_ROWS, "shapes.csv", {"images/a.png": IMAGE}, cells(",")),
    "bcss": _reader(
        "bcss",
        json.dumps(_BCSS),
        "annotations/TCGA-A1-A0SK-01Z-00-DX1.A44D70FA.json",
        {"images/TCGA-A1-A0SK-DX1_xmin1000_ymin2000_MPP-0.2500.png": IMAGE},
        json_tree,
        classes=["tumor", "stroma"],
    ),
    "mias": _reader("mias", _MIAS, "Info.txt", _FILMS, words, lines),
    "sipakmed": _reader(
        "sipakmed",
        "2,1\n6,1\n6,4\n2,4\n",
        "im_Dyskeratotic/001_cyt01.dat",
        {"im_Dyskeratotic/001.bmp": IMAGE},
        words,
        lines,
    ),
    "manifest": _reader("manifest", _MANIFEST, "manifest.csv", _FILES, cells(",")),
    "manifest_toml": _reader("manifest", _MANIFEST_TOML, "manifest.toml", _FILES, toml_tree, words),
}
