"""A project on disk: journal, masks, the states of sessions."""
