"""Encoders: from images to features at falling resolutions, which any decoder takes."""
