"""Records as tf.Example in TFRecord files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from uuid import uuid4

import tensorflow as tf

from components.imaging.files.codecs import decode_image, encode_png
from components.imaging.truth.masks import component_count
from components.records.record import Header, Record

_UNFINISHED = "unfinished-"
"""Beside the folders of the splits, so that nobody takes it for a shard."""


def serialize(record: Record) -> bytes:
    """The tf.Example of a record."""
    image, mask = record.image, record.mask
    mean, std = record.intensity
    features = {
        "image/encoded": _bytes(encode_png(image)),
        "image/format": _bytes(b"png"),
        "mask/encoded": _bytes(encode_png(mask)),
        "image/height": _int(image.shape[0]),
        "image/width": _int(image.shape[1]),
        "image/channels": _int(record.channels),
        "image/bit_depth": _int(record.bit_depth),
        "image/mean": _float(mean),
        "image/std": _float(std),
        "image/sha256": _bytes(record.source_sha256),
        "image/signature": _bytes(record.signature),
        "mask/foreground_fraction": _float(record.foreground),
        "mask/components": _int(component_count(mask)),
        "mask/labels": _int(*record.classes),
        "sample/id": _bytes(record.id.encode()),
        "sample/group": _bytes(record.group.encode()),
        "sample/source": _bytes(record.source.encode()),
        "sample/transform": _bytes(json.dumps(record.transform).encode()),
    }
    if record.moments:
        features["source/mean"], features["source/std"] = map(_float, record.moments)
    if record.spacing:
        features["source/spacing"] = _float(*record.spacing)
    if record.label:
        features["sample/label"] = _bytes(record.label.encode())
    if record.site:
        features["sample/site"] = _bytes(record.site.encode())
    if record.derived_from:
        features["sample/derived_from"] = _bytes(record.derived_from.encode())
    if record.augmentation:
        features["augment/params"] = _bytes(json.dumps(record.augmentation).encode())
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def parse(serialized: bytes) -> Record:
    """The record of a tf.Example."""
    features = _features(serialized)
    header = _header(features)
    return Record(
        image=decode_image(features["image/encoded"].bytes_list.value[0]),
        mask=decode_image(features["mask/encoded"].bytes_list.value[0]),
        id=header.id,
        group=header.group,
        source=header.source,
        source_sha256=header.source_sha256,
        transform=header.transform,
        signature=header.signature,
        label=header.label,
        site=header.site,
        derived_from=header.derived_from,
        augmentation=json.loads(_text(features, "augment/params", "{}")),
        moments=_moments(features),
        spacing=_spacing(features),
    )


def parse_header(serialized: bytes) -> Header:
    """The record of a tf.Example without its pixels, which are not decoded."""
    return _header(_features(serialized))


def shard_name(index: int, count: int) -> str:
    """File name of a shard. Without `.gz`: PNG bytes do not shrink, and Beam takes the compression from the name."""
    return f"data_tfrecord-{index:05d}-of-{count:05d}"


@contextmanager
def shard_writer(examples: str, split: str, name: str) -> Iterator[tf.io.TFRecordWriter]:
    """A writer of a shard that is there when all of it is written, or not at all. `examples` may be a URI.

    Each call writes to a file of its own: engines of Beam attempt a bundle while another attempt of it goes on. The
    last to end replaces the shard of the others by the same records.
    """
    unfinished = f"{examples}/{_UNFINISHED}{split}-{name}-{uuid4().hex}"
    tf.io.gfile.makedirs(examples)
    try:
        with tf.io.TFRecordWriter(unfinished) as writer:
            yield writer
        tf.io.gfile.makedirs(f"{examples}/Split-{split}")
        tf.io.gfile.rename(unfinished, f"{examples}/Split-{split}/{name}", overwrite=True)
    finally:
        _remove(unfinished)


def remove_unfinished(examples: str) -> None:
    """Removes what attempts that were killed have left of shards: when Beam is done, others have written them."""
    for path in tf.io.gfile.glob(f"{examples}/{_UNFINISHED}*"):
        _remove(path)


def split_files(examples: str, split: str) -> list[str]:
    """The shards of a split in an Examples folder, sorted by name."""
    folder = f"{examples}/Split-{split}"
    # Listed, since a pattern would take brackets in the path for its own.
    return sorted(f"{folder}/{name}" for name in tf.io.gfile.listdir(folder)) if tf.io.gfile.isdir(folder) else []


def records_size(shards: Iterable[str]) -> int:
    """Bytes of shards."""
    return sum(tf.io.gfile.stat(shard).length for shard in shards)


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset, read without TensorFlow tuning it meanwhile.

    Where the reading ends, TensorFlow 2.16 waits for the thread that tunes; now and then that one is told too early,
    and sleeps on, the longer the longer the dataset was read.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def serialized_records(files: str | Sequence[str]) -> tf.data.Dataset:
    """The records of files, strings, in this order."""
    return untuned(tf.data.TFRecordDataset(files))


def read_split(examples: str, split: str) -> Iterator[bytes]:
    """The serialized records of a split, in the order of the shards."""
    return serialized_records(split_files(examples, split)).as_numpy_iterator()


def record_count(examples: str, split: str) -> int:
    """Records in the shards of a split; their checksums are verified on the way."""
    return int(serialized_records(split_files(examples, split)).reduce(0, lambda count, _: count + 1))


def _remove(path: str) -> None:
    with suppress(tf.errors.NotFoundError):
        tf.io.gfile.remove(path)


def _features(serialized: bytes) -> Mapping[str, tf.train.Feature]:
    return tf.train.Example.FromString(serialized).features.feature


def _header(features: Mapping[str, tf.train.Feature]) -> Header:
    return Header(
        id=_text(features, "sample/id"),
        group=_text(features, "sample/group"),
        source=_text(features, "sample/source"),
        source_sha256=features["image/sha256"].bytes_list.value[0],
        transform=json.loads(_text(features, "sample/transform")),
        signature=features["image/signature"].bytes_list.value[0],
        label=_text(features, "sample/label"),
        site=_text(features, "sample/site"),
        derived_from=_text(features, "sample/derived_from"),
        bit_depth=features["image/bit_depth"].int64_list.value[0],
        channels=features["image/channels"].int64_list.value[0],
        intensity=(features["image/mean"].float_list.value[0], features["image/std"].float_list.value[0]),
        classes=tuple(features["mask/labels"].int64_list.value),
        foreground=features["mask/foreground_fraction"].float_list.value[0],
    )


def _moments(features: Mapping[str, tf.train.Feature]) -> tuple[float, float] | None:
    if "source/mean" not in features:
        return None
    return features["source/mean"].float_list.value[0], features["source/std"].float_list.value[0]


def _spacing(features: Mapping[str, tf.train.Feature]) -> tuple[float, float] | None:
    if "source/spacing" not in features:
        return None
    height, width = features["source/spacing"].float_list.value
    return height, width


def _text(features: Mapping[str, tf.train.Feature], name: str, missing: str = "") -> str:
    return features[name].bytes_list.value[0].decode() if name in features else missing


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _float(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=list(map(float, values))))
