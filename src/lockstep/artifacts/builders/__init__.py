"""Builders: from a service's source to the files of its package.

Law: a builder writes only into its own work folder, or runs what the user wrote; it says which files
make the package and never zips them. Builders know nothing of each other.
"""
