"""The reference systems' U-Net with their training settings, in plain Keras; what it gets wrong is theirs."""
