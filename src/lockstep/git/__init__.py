"""The git command line as a library: trees at a commit, changed paths, history.

Law: runs git with argument lists, knows nothing of what the files mean.
"""
