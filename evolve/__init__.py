"""The search for better memory designs (ALMA, arXiv 2602.07755)."""
