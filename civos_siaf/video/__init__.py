"""The frames of a video: read when asked for, written, drawn over."""
