"""Where pull requests and releases live: GitHub, or a plain Git server.

Law: forges know nothing of each other, of engines, of AWS or of what files mean. A forge does one
thing that it is asked for and can be asked again: everything here may be repeated after a failure.
"""
