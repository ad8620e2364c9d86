"""The ways to get a new design: a model's endpoint, a program, or no model at all."""
