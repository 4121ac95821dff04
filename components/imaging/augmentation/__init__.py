"""Random changes of an image and its mask."""
