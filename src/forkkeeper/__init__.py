"""Keeps a fork's local changes in step with a fast-moving upstream."""
