"""How fast an audit is, beside bare loops over the same server."""
