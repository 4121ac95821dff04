"""`maskline init`: what a folder is, as far as its names and pixels tell, and the recipe that follows."""
