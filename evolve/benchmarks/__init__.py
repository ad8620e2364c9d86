"""One file per domain, one protocol."""
