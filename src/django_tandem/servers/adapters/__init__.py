"""What runs inside the servers' own processes."""
