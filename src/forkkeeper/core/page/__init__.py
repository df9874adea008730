"""What the report page shows, as values: nothing here draws, reads or asks."""
