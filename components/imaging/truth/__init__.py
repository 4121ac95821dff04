"""Masks and drawings as class indices."""
