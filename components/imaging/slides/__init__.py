"""Images that are too large for memory: read by regions, written by rows of tiles."""
