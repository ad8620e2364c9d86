"""A person's word: keys, what unlocks them, and the rules of a decision."""
