"""What is annotated: objects, prompts, rounds and marks, as values without files or models."""
