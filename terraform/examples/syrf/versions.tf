terraform {
  required_version = ">= 1.10.0" # the first whose S3 backend locks by itself

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0"
    }
  }

  # Bucket and Region come from the command line, so that this folder names no bucket:
  # terraform init -backend-config=bucket=... -backend-config=region=...
  backend "s3" {
    key          = "s3-notifier/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  # A local AWS instead of Amazon's.
  skip_credentials_validation = var.aws_endpoint != null
  skip_metadata_api_check     = var.aws_endpoint != null
  skip_requesting_account_id  = var.aws_endpoint != null
  s3_use_path_style           = var.aws_endpoint != null

  dynamic "endpoints" {
    for_each = var.aws_endpoint == null ? [] : [var.aws_endpoint]
    content {
      iam    = endpoints.value
      lambda = endpoints.value
      s3     = endpoints.value
      sts    = endpoints.value
    }
  }
}
