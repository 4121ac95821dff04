"""The plain U-Net."""
