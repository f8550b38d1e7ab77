"""The terraform engine with real Terraform."""
