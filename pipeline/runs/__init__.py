"""One run of the graph on this machine, and what it leaves."""
