"""What tests build on: local clouds, repositories, forges, Terraform, waiting. It knows no test."""
