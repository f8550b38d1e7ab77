# Functions that are wrong in one thing each, and what the module has to say about it.

locals {
  good = {
    function_name = "notifier"
    role          = "lambda-role"
    runtime       = "dotnet8"
    handler       = "Assembly::Namespace.Function::FunctionHandler"
    code = {
      bucket           = "packages"
      key              = "notifier.zip"
      source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY="
    }
  }
  hash  = local.good.code.source_code_hash
  image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/notifier:1.0"

  cases = {
    name              = [{ function_name = "arn:aws:lambda:eu-west-1:123456789012:function:notifier" }, "function_name is"]
    name-length       = [{ function_name = join("", [for n in range(65) : "x"]) }, "1 to 64 letters"]
    role              = [{ role = "arn:aws:iam::1:user/me" }, "role is \"arn:aws:iam::1:user/me\""]
    no-code           = [{ code = { bucket = "packages", source_code_hash = local.hash } }, "either a package"]
    two-codes         = [{ code = { image = local.image, object_version = "v" }, runtime = null, handler = null }, "goes alone"]
    no-hash           = [{ code = { bucket = "packages", key = "notifier.zip" } }, "would never be deployed"]
    hex-hash          = [{ code = { bucket = "packages", key = "notifier.zip", source_code_hash = sha256("x") } }, "base64 of the package's SHA-256"]
    image-tag         = [{ code = { image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443/notifier" }, runtime = null, handler = null }, "needs a tag or digest"]
    no-runtime        = [{ runtime = null }, "needs runtime and handler"]
    image-runtime     = [{ code = { image = local.image } }, "do not go with an image"]
    image-config      = [{ image_config = { command = ["app.handler"] } }, "image_config goes with an image only"]
    description       = [{ description = join("", [for n in range(257) : "x"]) }, "257 characters"]
    memory            = [{ memory_size = 10241 }, "memory_size is 10241"]
    memory-least      = [{ memory_size = 64 }, "whole MB from 128"]
    timeout           = [{ timeout = 901 }, "timeout is 901"]
    timeout-fraction  = [{ timeout = 1.5 }, "timeout is 1.5"]
    storage           = [{ ephemeral_storage = 511 }, "ephemeral_storage is 511"]
    architecture      = [{ architectures = ["arm"] }, "[\"arm64\"]"]
    architectures     = [{ architectures = ["arm64", "x86_64"] }, "[\"x86_64\"] or"]
    layers            = [{ layers = [for n in range(6) : "arn:aws:lambda:eu-west-1:123456789012:layer:l:${n}"] }, "there are 6 layers"]
    variable          = [{ environment = { "1ST" = "" } }, "unlike 1ST"]
    variable-reserved = [{ environment = { AWS_REGION = "eu-west-1" } }, "sets AWS_REGION itself"]
    variables-size    = [{ environment = { BIG = join("", [for n in range(1024) : "text"]) } }, "4 KB"]
    tracing           = [{ tracing = "active" }, "tracing is \"active\""]
    snap-start        = [{ snap_start = "Always" }, "snap_start is \"Always\""]
    vpc               = [{ vpc = { subnet_ids = ["subnet-1"] } }, "vpc needs both"]
    log-format        = [{ logging = { format = "Xml" } }, "logging.format is \"Xml\""]
    log-level-text    = [{ logging = { application_level = "DEBUG" } }, "only with logging.format JSON"]
    log-level         = [{ logging = { format = "JSON", system_level = "ERROR" } }, "system_level DEBUG, INFO or WARN"]
    concurrency       = [{ reserved_concurrency = -1 }, "reserved_concurrency is -1"]
    retention         = [{ log_retention_days = 2 }, "log_retention_days is 2"]
    durable           = [{ durable = { retention_days = 7 } }, "cannot set durable"]
    capacity-provider = [{ capacity_provider = { max_concurrency = 16 } }, "cannot set capacity_provider"]
    accelerator       = [{ accelerator = { memory_size = 24 } }, "cannot set accelerator"]
    custom-runtime    = [{ custom_runtime = { alias = "stable" } }, "cannot set custom_runtime"]
    tenancy           = [{ tenancy = "PER_TENANT" }, "cannot set tenancy"]
    source-key        = [{ source_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/k" }, "cannot set source_kms_key_arn"]
    storage-mode      = [{ s3_object_storage_mode = "REFERENCE" }, "cannot set s3_object_storage_mode"]
    direct-read       = [{ file_systems = [{ arn = "arn:aws:s3files:x", local_mount_path = "/mnt/a", direct_s3_read = "DISABLED" }] }, "cannot set direct_s3_read"]
    file-systems = [{ file_systems = [
      for n in ["1", "2"] : { arn = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-${n}", local_mount_path = "/mnt/${n}" }
    ] }, "mounts one file system"]
    trigger-bucket   = [{ triggers = [{ bucket = "s3://uploads" }] }, "unlike s3://uploads"]
    trigger-wildcard = [{ triggers = [{ bucket = "uploads", prefix = "photos/*" }] }, "unlike photos/*"]
    trigger-space    = [{ triggers = [{ bucket = "uploads", suffix = " 1.jpg" }] }, "percent-encoded"]
    trigger-event    = [{ triggers = [{ bucket = "uploads", events = ["s3:ObjectCreate:*"] }] }, "no event s3:ObjectCreate:*"]
    trigger-events   = [{ triggers = [{ bucket = "uploads", events = [] }] }, "has no events"]
    tag              = [{ tags = { "aws:owner" = "me" } }, "does not start with aws:"]
    tag-buckets      = [{ triggers = [for n in range(9) : { bucket = "a-bucket-with-a-long-name-number-${n}" }] }, "lockstep:buckets"]
  }
}

output "functions" {
  value = merge(
    { "staging/good" = merge(local.good, { function_name = "good" }) },
    { "production/environment" = merge(local.good, { function_name = "production" }) },
    { for name, case in local.cases : "staging/${name}" => merge(local.good, { function_name = name }, case[0]) },
  )
}

output "says" {
  value = merge(
    { for name, case in local.cases : "staging/${name}" => case[1] },
    { "production/environment" = "the environment production is unknown" },
  )
}
