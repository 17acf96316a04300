"""The parts of the probe: asking and counting, and one module per thing that is measured."""
