"""The typed description of a run and how it is read from TOML."""
