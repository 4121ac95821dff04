"""Segmentation architectures: one per file, all behind `registry.ARCHITECTURES`."""
