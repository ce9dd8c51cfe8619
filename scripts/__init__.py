"""What `make` runs besides programs of others."""
