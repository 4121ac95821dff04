"""Class indices as annotations for other programs, and back: bytes and documents in and out, no files."""
