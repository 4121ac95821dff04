"""OutOfFold: what the models of folds are worth on what they have not learnt, pooled."""
