"""What a person decides on: files that are known by their hash, and what a source shows without being run."""
