"""`maskline serve`: a model behind HTTP, whose champion changes while it answers."""
