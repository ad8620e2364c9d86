"""Asking models: how patiently, how often, at which price."""
