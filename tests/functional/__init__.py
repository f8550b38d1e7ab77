"""The aws engine against MiniStack and moto behind a strict AWS."""
