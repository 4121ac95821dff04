"""EngineExporter: faster forms of a model, made, measured against it, and offered or refused."""
