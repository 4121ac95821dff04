"""`maskline augment`: a contact sheet of training images beside their augmented copies."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from components.augmentor.core import copies_of
from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.example_gen.settings import DataSettings
from components.files import write_bytes
from components.records.record import Record
from components.records.splits import TEST
from pipeline.cli.sheet import contact_sheet
from pipeline.config.root import Config
from pipeline.runs.laid_out import pointed_to_init
from pipeline.runs.launch import source_folder
from pipeline.runs.plan.core import as_planned
from pipeline.runs.quiet import quiet
from pipeline.runs.reading import reading_bar

_IMAGES, _PHANTOM_WOMEN = 4, 12


def preview_augmentation(config: Config, data: Path | None, preview: Path, count: int) -> dict[str, Any]:
    """Writes the sheet: the first training records with foreground, each with `count` copies as the graph makes them.

    Returns:
        The parameters of each copy by its id.

    Raises:
        UsageError: nothing is augmented, there are no data or none that can be used, or the file cannot be written.
    """
    if preview.suffix.lower() != ".png":
        raise UsageError(f"{preview}: expected the name of a PNG file: --preview sheet.png")
    # Where a link points, the sheet will stand; the link stays.
    file = Path(os.path.realpath(preview))  # unlike Path.resolve, no error for a link that points to itself
    with _refusing(preview):
        _try_to_write_beside(file)
    with TemporaryDirectory() as folder:
        source, _ = source_folder(few_phantoms(config).data, data, Path(folder) / "phantoms")
        with pointed_to_init(source), reading_bar("Planning") as watch:
            config, _ = as_planned(config, source, watch)
        if not config.augmentation.happens:
            raise UsageError("[augmentation]: the probability of every operation is 0, so there is nothing to show")
        records = list(islice(_records(source, config.records), _IMAGES))
    if not records:
        raise UsageError(f"{source}: no training image with foreground can be used; `maskline check` tells why")
    settings = config.augmentation.model_copy(update={"copies": count})
    copies = {record.id: list(copies_of(record, settings)) for record in records}
    figure = contact_sheet([[record, *copies[record.id]] for record in records], config.data.task)
    png = BytesIO()
    figure.savefig(png, format="png")
    with _refusing(preview):
        write_bytes(file, png.getvalue())
    return {copy.id: copy.augmentation for made in copies.values() for copy in made}


@contextmanager
def _refusing(preview: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{preview}: cannot be written: {error.strerror}. Choose another: --preview FILE") from error


def _try_to_write_beside(file: Path) -> None:
    """Before anything is computed; touches no file that is there, and leaves none."""
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with TemporaryFile(dir=file.parent):
        pass


def few_phantoms(config: Config) -> Config:
    phantoms = config.data.phantoms
    if phantoms is None:
        return config
    few = phantoms.model_copy(update={"women": min(phantoms.women, _PHANTOM_WOMEN)})
    return config.model_copy(update={"data": config.data.model_copy(update={"phantoms": few})})


def _records(source: Path, data: DataSettings) -> Iterator[Record]:
    """Of each training sample that can be used the first record with foreground."""
    with pointed_to_init(source):
        listing = list_samples(source, data)
    for sample in listing.samples:
        if sample.split not in ("eval", TEST):
            # The codecs complain about damaged files in their own words.
            with quiet(Path(os.devnull)):
                _, records = outcome_of(sample, source, data, lambda record: record if record.foreground else None)
            yield from islice(filter(None, records), 1)
