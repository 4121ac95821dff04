"""Talks to a cluster."""
