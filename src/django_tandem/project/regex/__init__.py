"""From Django's patterns to PCRE."""
