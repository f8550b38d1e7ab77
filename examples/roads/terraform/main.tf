# What tofu-controller runs for staging; `functions` is what is declared, as Lockstep passes it.
terraform {
  backend "s3" {}
}

variable "functions" {
  type    = any
  default = {}
}

module "fleet" {
  source = "../../../terraform/modules/lambda-fleet" # in your repository: a copy of that folder

  project   = "syrf"
  functions = var.functions
}
