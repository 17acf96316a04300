"""The terminal UI: its budgets on a large run, and the pictures of the documentation."""
