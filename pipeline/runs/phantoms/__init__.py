"""Phantom mammograms: computer-made films with their truth, as a data set in one of two forms."""
