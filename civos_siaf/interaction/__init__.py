"""Prompts on some frames become masks on those frames."""
