"""The Terraform module lambda-fleet and the example syrf, run by Terraform itself where it is installed."""
