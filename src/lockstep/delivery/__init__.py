"""The verbs: what a command does, from repository to report.

Law: wires git, config, artifacts and engines together; prints nothing and parses no arguments.
"""
