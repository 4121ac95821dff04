"""The reporting sheet: which topics of reporting guidelines a run answers."""
