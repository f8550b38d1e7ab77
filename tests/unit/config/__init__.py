"""Reading the repository into a fleet."""
