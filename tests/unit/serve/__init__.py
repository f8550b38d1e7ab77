"""Deciding when: the controller of ``lockstep serve``."""
