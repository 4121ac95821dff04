"""What mask files mean, a file for each kind of them."""
