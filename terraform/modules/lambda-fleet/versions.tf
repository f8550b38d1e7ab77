terraform {
  # 1.7: the first with `removed` blocks and mock providers. OpenTofu counts the same way.
  required_version = ">= 1.7.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0"
    }
  }
}
