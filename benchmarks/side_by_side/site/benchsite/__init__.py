"""What the benchmark adds to the example: a group that everybody hears, and a database pool."""
