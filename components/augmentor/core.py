"""Augmented copies of a record, each drawn from (seed, record id, copy number) alone."""

from __future__ import annotations

from collections.abc import Iterator

from components.imaging.augmentation.augment import augmented, generator
from components.imaging.augmentation.settings import Augmentation
from components.records.record import Record


def copies_of(record: Record, settings: Augmentation) -> Iterator[Record]:
    """`settings.copies` augmented copies; `settings` is the `[augmentation]` section.

    Their ids are `<id>+<number>`, which no other record has: `components.example_gen.listing` rejects such samples.
    """
    for number in range(1, settings.copies + 1):
        rng = generator(settings.seed, record.id, number)
        image, mask, parameters = augmented(record.image, record.mask, rng, settings)
        yield record.augmented(f"{record.id}+{number}", image, mask, parameters)
