"""Tests of lockstep.model."""
