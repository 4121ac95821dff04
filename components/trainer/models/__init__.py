"""Segmentation architectures: a package each, all behind `registry.ARCHITECTURES`."""
