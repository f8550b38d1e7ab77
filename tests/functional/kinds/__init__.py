"""Resources beside a function, on the engine: what holds for every kind, and each kind's own."""
