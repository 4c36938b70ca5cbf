"""What tests start and ask: stacks, single servers, projects, databases, and a client."""
