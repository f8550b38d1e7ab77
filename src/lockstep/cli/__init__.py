"""The command line: parsing arguments and showing results, one file for each command group."""
