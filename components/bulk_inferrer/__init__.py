"""BulkInferrer: what a model answers, kept, so that nothing that is done with answers must ask it again."""
