"""What the harness adds to the example: an effect that can be counted, and a version to see."""
