"""Tests of the strict AWS."""
