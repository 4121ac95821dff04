"""Damaged inputs for every reader of what others wrote: `make fuzz`.

Each input is a small valid file in which a few places of its format were changed: `tests.fuzz.mutate`.
"""
