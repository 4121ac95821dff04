"""Image files and bytes as arrays."""
