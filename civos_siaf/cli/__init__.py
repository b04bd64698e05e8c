"""What the scripts share, and the command `civos-siaf`."""
