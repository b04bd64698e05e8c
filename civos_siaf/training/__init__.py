"""Losses, simulated users and the training loop."""
