"""The tasks of the published systems."""
