"""The training function of the stock Trainer, and what it is made of."""
