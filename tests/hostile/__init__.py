"""Files that want to hang a reader, to fill the memory, or to drown a message: each maker writes one into a folder."""
