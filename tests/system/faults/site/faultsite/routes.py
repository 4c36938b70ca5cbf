"""Written anew by a deploy that changes the edge's rules: so many async routes are added."""

ADDED = 0
