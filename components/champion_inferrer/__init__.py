"""ChampionInferrer: what the served model answers to the test images of a run, kept."""
