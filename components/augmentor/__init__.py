"""Augmentor: adds changed copies to the training records."""
