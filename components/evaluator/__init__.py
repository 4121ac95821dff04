"""Evaluator: measures the candidate on the test split and decides whether it may be served."""
