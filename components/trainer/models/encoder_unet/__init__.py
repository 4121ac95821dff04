"""A light U-Net decoder over an encoder that may have learnt before."""
