"""The versions of a serving folder: what they are, and which of them is served."""
