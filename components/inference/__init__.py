"""From a served model and images to class probabilities at the size of the images."""
