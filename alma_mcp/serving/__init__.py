"""Which design answers: the live one, the one before it, the swap between them, and the canary after it."""
