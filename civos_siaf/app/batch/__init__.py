"""Many videos, one after another, from a file of prompts."""
