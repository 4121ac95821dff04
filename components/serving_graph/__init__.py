"""What is exported: decoding, derivation and adjustment in TensorFlow."""
