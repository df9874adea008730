"""Values and decisions: no process, file, network, clock, environment or print."""
