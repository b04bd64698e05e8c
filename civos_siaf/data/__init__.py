"""Training sets: images and videos with masks, and how training items are drawn from them."""
