"""What a model was made of, and whether an image is among it, or a copy of one that is."""
