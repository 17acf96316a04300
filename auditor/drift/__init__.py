"""How far the candidate moved from the baseline: divergence estimators for truncated logprobs (pure), and protocols."""
