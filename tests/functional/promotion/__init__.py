"""Promotions, rollbacks and releases, with real repositories and forges."""
