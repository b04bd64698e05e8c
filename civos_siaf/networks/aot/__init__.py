"""AOT: associating objects with transformers (spec aot)."""
