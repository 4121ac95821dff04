"""Retraining on a schedule: `maskline run` at the times of a cron expression, where there is something to train on."""
