"""ServingCheck: calls every signature of the exported model in a fresh process."""
