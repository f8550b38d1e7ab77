"""From a commit of a source to a released version with its package.

Law: stands on places alone; never on a GitOps repository's environments in AWS.
"""
