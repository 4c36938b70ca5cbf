"""What both stacks share inside the served project: what the edge says, and the hand-over."""
