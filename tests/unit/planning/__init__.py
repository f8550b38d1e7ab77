"""Tests of lockstep.planning."""
