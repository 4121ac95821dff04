"""How weights follow their gradients: one file for each optimizer."""
