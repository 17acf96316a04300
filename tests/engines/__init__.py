"""The engine lane: tests that run against real inference engines, built and started on the spot."""
