"""What designs remember: one design's memory of a scope at a position of the log."""
