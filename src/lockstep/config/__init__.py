"""Files to Fleet: reading YAML, layering values, validating, explaining.

Law: reads bytes that somebody else fetched (a git tree); never talks to AWS, Git or the network.
Every value keeps its file and line.
"""
