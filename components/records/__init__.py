"""The record, its file, and the split that it goes into."""
