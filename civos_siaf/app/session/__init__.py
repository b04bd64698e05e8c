"""A project together with a method that answers its prompts."""
