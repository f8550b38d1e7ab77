"""Laws, tested on generated input."""
