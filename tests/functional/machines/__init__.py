"""Several controllers on one PostgreSQL."""
