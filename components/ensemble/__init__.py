"""Ensemble: one model of those of all folds, and what they are worth on what they have not learnt."""
