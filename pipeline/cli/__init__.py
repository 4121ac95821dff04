"""The command line, a file for each family of verbs. Neither TensorFlow nor TFX is imported until a verb needs it."""


def main() -> None:
    """Entry point of the `maskline` command, and of `python -m pipeline.cli`."""
    from components.onednn import prefer_onednn
    from pipeline.cli.app import app
    from pipeline.terminal import escape_unencodable

    escape_unencodable()
    prefer_onednn()
    app()
