"""What is predicted for images that nobody has truth for: from files to files."""
