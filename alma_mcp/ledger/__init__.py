"""The ledger of champions: its rows, what they amount to, and whose signature counts."""
