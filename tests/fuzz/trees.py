"""Changes of JSON, TOML, XML, tables and archives."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any
from xml.etree import ElementTree

from fuzz.extremes import thing, word
from fuzz.mutate import MOST, Change, Part, parts, shuffle


def tree(load: Callable[[str], Any], dump: Callable[[Any], str]) -> Change:
    """A node of nested lists and tables becomes an extreme, is dropped, repeated, or has another name."""

    def change(rng: Random, content: bytes) -> bytes:
        root = {"": load(content.decode())}
        holder, key = rng.choice([*_places(root)])
        choice = rng.random()
        if choice < 0.6:
            holder[key] = thing(rng)
        elif choice < 0.7:
            del holder[key]
        elif choice < 0.8 and isinstance(holder, dict):
            holder[word(rng)] = holder.pop(key)
        elif isinstance(holder[key], list) and holder[key]:
            shuffle(rng, holder[key])
        else:
            other, name = rng.choice([*_places(root)])
            holder[key] = json.loads(json.dumps(other[name]))
        return dump(root[""]).encode("utf-8", "surrogatepass")[:MOST]

    return change


def _places(node: Any) -> Any:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


json_tree = tree(json.loads, json.dumps)


def xml_tree(rng: Random, content: bytes) -> bytes:
    root = ElementTree.fromstring(content)
    node = rng.choice([*root.iter()])
    choice = rng.random()
    if choice < 0.5 and node.attrib:
        node.set(rng.choice([*node.attrib]), word(rng))
    elif choice < 0.6 and node.attrib:
        del node.attrib[rng.choice([*node.attrib])]
    elif choice < 0.7:
        node.tag = rng.choice([*root.iter()]).tag
    elif choice < 0.85 and len(node):
        children = [*node]
        shuffle(rng, children)
        node[:] = children
    else:
        node.text = word(rng)
    return ElementTree.tostring(root)


def cells(separator: str) -> Change:
    """Of a table: a cell becomes an extreme, or rows and cells are dropped, repeated and exchanged."""

    def change(rng: Random, content: bytes) -> bytes:
        rows = [*csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator)]
        row = rng.choice(rows)
        choice = rng.random()
        if choice < 0.6:
            row[rng.randrange(len(row))] = word(rng)
        elif choice < 0.7:
            at = rng.randrange(len(row))
            row[at] = json_tree(rng, row[at].encode()).decode() if row[at][:1] in "{[" else row[at] * 2
        else:
            shuffle(rng, row if choice < 0.8 else rows)
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=separator).writerows(rows)
        return file.getvalue().encode("utf-8", "surrogatepass")

    return change


def members(*changes: Change) -> Change:
    """Of a zip archive, which is written anew; of its names, too."""

    def split(content: bytes) -> list[Part]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [(name.encode(), archive.read(name)) for name in archive.namelist()]

    def join(found: list[Part]) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in found:
                archive.writestr(zipfile.ZipInfo(name.decode("utf-8", "replace")), data, zipfile.ZIP_DEFLATED)
        return file.getvalue()

    renamed = parts(
        lambda content: [(data, name) for name, data in split(content)], lambda found: join([*map(_turned, found)])
    )
    of_data = parts(split, join, lambda kind: changes)
    return lambda rng, content: (renamed if rng.random() < 0.2 else of_data)(rng, content)


def _turned(part: Part) -> Part:
    return part[1], part[0]
