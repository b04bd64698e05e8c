"""Masks on some frames become masks on every frame."""
