"""The verbs of `maskline kubeflow`."""

from __future__ import annotations

import typer

kubeflow_app = typer.Typer(no_args_is_help=True, help="The same graph on Kubeflow Pipelines.")
