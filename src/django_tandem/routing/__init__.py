"""Which stack serves which route, and the edge's table of rules."""
