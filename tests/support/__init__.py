"""What tests build on: local clouds, a strict AWS, waiting."""
