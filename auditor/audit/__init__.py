"""Running an audit: schedule, budget, resume, findings."""
