"""Torch modules and nothing else: they know tensors, not videos or prompts."""
