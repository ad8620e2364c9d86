"""The page that a promotion is decided by: one content for the terminal and the dashboard."""
