"""The same graph on Kubeflow Pipelines."""
