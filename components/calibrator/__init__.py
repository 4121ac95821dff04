"""Calibrator: how a model's answers become masks, chosen on what it has not learnt from, and stored with it."""
