"""Our server and its peers, measured in one run on the same texts through the same client."""
