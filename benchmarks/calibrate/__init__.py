"""Measures the benchmarks: how often they are wrong."""
