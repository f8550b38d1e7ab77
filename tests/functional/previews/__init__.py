"""Previews of pull requests, with real repositories and a local AWS."""
