"""AOT: associating objects with transformers (docs/specification/aot.md)."""
