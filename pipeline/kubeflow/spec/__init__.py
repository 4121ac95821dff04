"""The compiled pipeline: made, patched, read, written, checked."""
