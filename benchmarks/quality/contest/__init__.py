"""Ours beside other systems, each with its own settings, at an equal cost in processor time."""
