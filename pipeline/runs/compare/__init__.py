"""`maskline compare`: runs beside each other, by the test cases that all of them have."""
