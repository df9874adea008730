"""Measurements: how fast the tool is beside git, and how often it is right on real syncs. No time is asserted."""
