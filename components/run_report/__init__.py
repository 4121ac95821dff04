"""RunReport: the run on one page, for people."""
