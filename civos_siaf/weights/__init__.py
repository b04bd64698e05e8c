"""Published and own weights: what there is, where it comes from, and strict, safe loading."""
