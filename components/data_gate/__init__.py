"""DataGate: stops the run when its data would give untrue numbers."""
