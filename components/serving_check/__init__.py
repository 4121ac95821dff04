"""ServingCheck: asks the exported model in every way, in a fresh process, for the masks that were evaluated."""
