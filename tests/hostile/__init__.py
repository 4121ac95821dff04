"""Small files that cost much, one maker each."""
