"""The real command in a pseudo-terminal of 80 columns, as a person sees it."""
