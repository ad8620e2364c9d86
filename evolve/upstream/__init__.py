"""Memories written for the original ALMA (`MemoStructure` files), run here as they are."""
