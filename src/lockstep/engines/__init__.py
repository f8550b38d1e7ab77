"""What makes reality match: one package for each engine.

Law: an engine knows the model and the pure planner, never another engine, a forge, Git or the
artifact sources. It reads, previews and applies; it decides nothing that planning could decide.
"""
