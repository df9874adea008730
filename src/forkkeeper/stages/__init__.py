"""The steps that touch the world, each through the shell."""
