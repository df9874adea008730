"""Faults that are planted in upstream's Metal backend, and whether its emulation catches them."""
