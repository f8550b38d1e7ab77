"""The command as its users run it: real processes, real Git, a local AWS that runs the code."""
