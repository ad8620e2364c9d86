"""Benchmarks of speed and size, run by `make bench`; tests assert nothing about time."""
