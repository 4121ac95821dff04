"""Faster forms of a served model: made, measured against it, and offered or refused."""
