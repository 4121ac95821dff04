"""Where the pixels of a record lie in its source."""
