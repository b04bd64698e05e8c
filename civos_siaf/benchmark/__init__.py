"""The DAVIS interactive benchmark, for any method."""
