"""Kubeflow's driver and launcher on this machine."""
