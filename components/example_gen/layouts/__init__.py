"""Folders as people have them: one file for each layout."""
