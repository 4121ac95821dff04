"""Prints the JSON schema of the config; `make schema` keeps it in `schemas/config.schema.json`."""

from __future__ import annotations

import json

from pipeline.config.root import Config


def config_schema() -> str:
    """The schema as text, for editors that complete and check TOML files."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(config_schema(), end="")
