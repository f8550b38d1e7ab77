# Functions, who may call them, and how long they keep logs. Bucket notifications: notifications.tf.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  # ARNs are made here rather than read from the functions, so that a plan can show them, and the ids
  # that are made of them, before a function exists.
  function_arns = {
    for key, function in var.functions : key =>
    "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${function.function_name}"
  }
  roles = {
    for key, function in var.functions : key =>
    startswith(function.role, "arn:") ? function.role : "arn:${local.partition}:iam::${local.account}:role/${trimprefix(function.role, "/")}"
  }
  log_groups = {
    for key, function in var.functions : key => coalesce(function.logging.group, "/aws/lambda/${function.function_name}")
  }

  buckets = {
    for key, function in var.functions : key => sort(distinct(function.triggers[*].bucket))
  }

  # As Lockstep's aws engine marks what it owns, so that either can take over from the other.
  ownership = {
    for key, function in var.functions : key => merge(
      { "lockstep:project" = var.project, "lockstep:target" = key },
      function.version == null ? {} : { "lockstep:version" = function.version },
      length(local.buckets[key]) == 0 ? {} : { "lockstep:buckets" = join(" ", local.buckets[key]) },
    )
  }
  tags = {
    for key, function in var.functions : key => {
      for name, value in merge(local.ownership[key], function.tags) : name => value if value != null
    }
  }
}

resource "aws_lambda_function" "this" {
  for_each = var.functions

  function_name = each.value.function_name
  description   = each.value.description
  role          = local.roles[each.key]
  publish       = false

  package_type      = each.value.code.image == null ? "Zip" : "Image"
  image_uri         = each.value.code.image
  s3_bucket         = each.value.code.bucket
  s3_key            = each.value.code.key
  s3_object_version = each.value.code.object_version
  # The provider compares this with the last one that it was given, never with what AWS runs: a text
  # behind it is enough to deploy a package again.
  source_code_hash = each.value.code.redeploy == null ? each.value.code.source_code_hash : "${each.value.code.source_code_hash} ${each.value.code.redeploy}"

  runtime       = each.value.runtime
  handler       = each.value.handler
  layers        = each.value.layers
  architectures = each.value.architectures
  memory_size   = each.value.memory_size
  timeout       = each.value.timeout

  kms_key_arn                    = each.value.kms_key_arn == "" ? null : each.value.kms_key_arn
  code_signing_config_arn        = each.value.code_signing_config_arn
  reserved_concurrent_executions = coalesce(each.value.reserved_concurrency, -1)

  tags = local.tags[each.key]

  ephemeral_storage {
    size = each.value.ephemeral_storage
  }

  tracing_config {
    mode = each.value.tracing
  }

  logging_config {
    log_format            = each.value.logging.format
    log_group             = local.log_groups[each.key]
    application_log_level = each.value.logging.format == "JSON" ? coalesce(each.value.logging.application_level, "INFO") : null
    system_log_level      = each.value.logging.format == "JSON" ? coalesce(each.value.logging.system_level, "INFO") : null
  }

  dynamic "environment" {
    for_each = length(each.value.environment) > 0 || contains(nonsensitive(keys(var.secret_environment)), each.key) ? [1] : []
    content {
      variables = merge(each.value.environment, lookup(var.secret_environment, each.key, {}))
    }
  }

  dynamic "vpc_config" {
    for_each = length(each.value.vpc.subnet_ids) > 0 ? [each.value.vpc] : []
    content {
      subnet_ids                  = vpc_config.value.subnet_ids
      security_group_ids          = vpc_config.value.security_group_ids
      ipv6_allowed_for_dual_stack = vpc_config.value.ipv6
    }
  }

  dynamic "dead_letter_config" {
    for_each = each.value.dead_letter_target == "" ? [] : [each.value.dead_letter_target]
    content {
      target_arn = dead_letter_config.value
    }
  }

  dynamic "file_system_config" {
    for_each = each.value.file_systems
    content {
      arn              = file_system_config.value.arn
      local_mount_path = file_system_config.value.local_mount_path
    }
  }

  dynamic "snap_start" {
    for_each = each.value.snap_start == "None" ? [] : [each.value.snap_start]
    content {
      apply_on = snap_start.value
    }
  }

  dynamic "image_config" {
    for_each = length(each.value.image_config.entry_point) + length(each.value.image_config.command) > 0 || each.value.image_config.working_directory != "" ? [each.value.image_config] : []
    content {
      entry_point       = image_config.value.entry_point
      command           = image_config.value.command
      working_directory = image_config.value.working_directory
    }
  }

  # The new function of a target stands before the bucket calls it, and the old one goes after that.
  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(local.problems[each.key]) == 0
      error_message = "${each.key} cannot be applied:\n- ${join("\n- ", local.problems[each.key])}"
    }
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_lambda_permission" "s3" {
  for_each = merge([
    for key, buckets in local.buckets : {
      for bucket in buckets : "${key}:${bucket}" => { target = key, bucket_arn = "arn:${local.partition}:s3:::${bucket}" }
    }
  ]...)

  function_name  = aws_lambda_function.this[each.value.target].function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = each.value.bucket_arn
  source_account = local.account

  # The id is made of the content: a statement that changes gets a new one, so the new statement
  # stands before the old one goes. The text is that of lockstep.model.Statement.content_id.
  statement_id = "lockstep-${substr(sha256("[\"lambda:InvokeFunction\", \"s3.amazonaws.com\", \"${each.value.bucket_arn}\", \"${local.account}\"]"), 0, 16)}"

  lifecycle {
    create_before_destroy = true
  }
}

# One for each group, not for each function: functions may share a group.
resource "aws_cloudwatch_log_group" "this" {
  for_each = {
    for key, function in var.functions : local.log_groups[key] => function.log_retention_days...
    if function.log_retention_days != null
  }

  name              = each.key
  retention_in_days = each.value[0]
  skip_destroy      = true # logs outlive a function

  lifecycle {
    precondition {
      condition     = length(distinct(each.value)) == 1
      error_message = "Functions that share the log group ${each.key} declare log_retention_days ${join(" and ", distinct(each.value))}; declare the same for all of them."
    }
  }
}
