"""Simulated users for training: damaged masks, and the scribbles that would repair them."""
