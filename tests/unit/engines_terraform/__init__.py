"""Parts of the terraform engine."""
