"""What writes text for a proposer: a model's endpoint, or a program. Each implements `evolve.meta.brief.Writer`."""
