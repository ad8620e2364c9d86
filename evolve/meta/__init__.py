"""Who writes designs: what a writer is told, what it is asked, and what of its answers is taken."""
