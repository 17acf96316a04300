"""Scripts that run in the engines' environment, not in the project's (the corpus is plain Python and runs in both)."""
