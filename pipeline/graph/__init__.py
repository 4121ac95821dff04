"""The graph of components."""
