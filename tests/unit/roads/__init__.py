"""Manifests, and what they cannot say."""
