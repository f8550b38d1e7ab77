# What Lockstep passes with `mapping: syrf`. Versions and commits say what runs; it is the hash that deploys.

variable "production_commit_sha" {
  description = "Commit that production's package was built from."
  type        = string
}

variable "production_source_code_hash" {
  description = "Base64 of the SHA-256 of production's package."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.production_source_code_hash))
    error_message = "The hash is the base64 of the package's SHA-256: openssl dgst -sha256 -binary production.zip | base64."
  }
}

variable "production_version" {
  description = "Version that runs in production."
  type        = string
  default     = ""
}

variable "production_rabbitmq_host" {
  description = "RabbitMQ that production tells about files."
  type        = string
  default     = ""
}

variable "staging_version" {
  description = "Version that runs in staging."
  type        = string
}

variable "staging_commit_sha" {
  description = "Commit that staging's package was built from."
  type        = string
}

variable "staging_source_code_hash" {
  description = "Base64 of the SHA-256 of staging's package."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.staging_source_code_hash))
    error_message = "The hash is the base64 of the package's SHA-256: openssl dgst -sha256 -binary staging.zip | base64."
  }
}

variable "staging_rabbitmq_host" {
  description = "RabbitMQ that staging tells about files."
  type        = string
  default     = ""
}

variable "preview_prs" {
  description = "Numbers of the pull requests that have a preview. It comes from one commit of the GitOps repository; entries of the maps below for other numbers are ignored."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for number in var.preview_prs : can(regex("^[1-9][0-9]*$", number))])
    error_message = "A pull request is its number alone, such as \"123\"; it becomes part of names and prefixes."
  }
}

variable "preview_commit_shas" {
  description = "Commit of each preview, by number."
  type        = map(string)
  default     = {}
}

variable "preview_versions" {
  description = "Version of each preview, by number."
  type        = map(string)
  default     = {}
}

variable "preview_source_code_hashes" {
  description = "Base64 of the SHA-256 of each preview's package, by number. Without it a new package under the same key is never deployed."
  type        = map(string)
  default     = {}
}

variable "preview_rabbitmq_hosts" {
  description = "RabbitMQ of each preview, by number."
  type        = map(string)
  default     = {}
}

# Where all that is. Put these into terraform.tfvars.

variable "region" {
  description = "Region of functions and buckets."
  type        = string
  default     = "eu-west-1"
}

variable "aws_endpoint" {
  description = "URL of a local AWS, such as http://127.0.0.1:4566; null for Amazon's."
  type        = string
  default     = null
}

variable "uploads_bucket" {
  description = "Bucket whose files are told about. This folder owns all of its notifications."
  type        = string
}

variable "packages_bucket" {
  description = "Bucket with the packages: lambda-packages/production.zip, staging.zip and pr-N.zip."
  type        = string
}

variable "role_arn" {
  description = "Execution role of the functions."
  type        = string
}

variable "runtime" {
  description = "Runtime of the functions."
  type        = string
  default     = "dotnet8"
}

variable "handler" {
  description = "Method that Lambda calls."
  type        = string
  default     = "SyRF.S3FileSavedNotifier.Endpoint::SyRF.S3FileSavedNotifier.Endpoint.Function::FunctionHandler"
}
