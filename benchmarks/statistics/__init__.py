"""How often the decisions of `auditor.stats` are wrong, and what they cost: simulated, and enumerated where possible."""
