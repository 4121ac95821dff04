"""How good methods are at equal cost, measured by the pipeline's own training and measures on a development split."""
