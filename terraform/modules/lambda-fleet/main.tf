# Functions, who may call them, and how long they keep logs. Bucket notifications: notifications.tf.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  # Terraform evaluates `for_each` anew for each instance. With values instead of keys, or an expression
  # instead of a finished set, that takes longer than everything else once there are hundreds.
  targets = toset(keys(var.functions))
  callers = toset(flatten([for key, buckets in local.buckets : [for bucket in buckets : "${key}:${bucket}"]]))

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

  # What is called: the alias, where there is one.
  called = {
    for key, function in var.functions : key =>
    function.alias == null ? local.function_arns[key] : "${local.function_arns[key]}:${function.alias}"
  }

  buckets = {
    for key, function in var.functions : key => sort(distinct(function.triggers[*].bucket))
  }

  # Which bucket may call which function, by target and bucket. The functions are read here, all at once:
  # a permission that refers to its function reads all of them again, and so does `depends_on`.
  calls = merge([
    for key, buckets in local.buckets : {
      for bucket in buckets : "${key}:${bucket}" => {
        function_name = aws_lambda_function.this[key].function_name
        bucket_arn    = "arn:${local.partition}:s3:::${bucket}"
        qualifier     = lookup(local.aliases, key, null)
        # The text of lockstep.model.Statement.content_id.
        content = "[\"lambda:InvokeFunction\", \"s3.amazonaws.com\", \"arn:${local.partition}:s3:::${bucket}\", \"${local.account}\"${var.functions[key].alias == null ? "" : ", \"${var.functions[key].alias}\""}]"
      }
    }
  ]...)

  # As Lockstep's aws engine marks what it owns, so that either can take over from the other.
  ownership = {
    for key, function in var.functions : key => merge(
      { "lockstep:project" = var.project, "lockstep:target" = key },
      function.alias == null ? {} : { "lockstep:alias" = function.alias },
      function.version == null || function.alias != null ? {} : { "lockstep:version" = function.version },
      length(local.buckets[key]) == 0 ? {} : { "lockstep:buckets" = join(" ", local.buckets[key]) },
      length(local.remembered[key]) == 0 ? {} : { "lockstep:resources" = join(" ", local.remembered[key]) },
    )
  }
  tags = {
    for key, function in var.functions : key => {
      for name, value in merge(local.ownership[key], function.tags) : name => value if value != null
    }
  }
}

resource "aws_lambda_function" "this" {
  for_each = local.targets

  function_name = var.functions[each.key].function_name
  description   = var.functions[each.key].description
  role          = local.roles[each.key]
  publish       = var.functions[each.key].alias != null

  package_type      = var.functions[each.key].code.image == null ? "Zip" : "Image"
  image_uri         = var.functions[each.key].code.image
  s3_bucket         = var.functions[each.key].code.bucket
  s3_key            = var.functions[each.key].code.key
  s3_object_version = var.functions[each.key].code.object_version
  # The provider compares this with the last one that it was given, never with what AWS runs: a text
  # behind it is enough to deploy a package again.
  source_code_hash = var.functions[each.key].code.redeploy == null ? var.functions[each.key].code.source_code_hash : "${var.functions[each.key].code.source_code_hash} ${var.functions[each.key].code.redeploy}"

  runtime       = var.functions[each.key].runtime
  handler       = var.functions[each.key].handler
  layers        = var.functions[each.key].layers
  architectures = var.functions[each.key].architectures
  memory_size   = var.functions[each.key].memory_size
  timeout       = var.functions[each.key].timeout

  kms_key_arn                    = var.functions[each.key].kms_key_arn == "" ? null : var.functions[each.key].kms_key_arn
  code_signing_config_arn        = var.functions[each.key].code_signing_config_arn
  reserved_concurrent_executions = coalesce(var.functions[each.key].reserved_concurrency, -1)

  tags = local.tags[each.key]

  ephemeral_storage {
    size = var.functions[each.key].ephemeral_storage
  }

  tracing_config {
    mode = var.functions[each.key].tracing
  }

  logging_config {
    log_format            = var.functions[each.key].logging.format
    log_group             = local.log_groups[each.key]
    application_log_level = var.functions[each.key].logging.format == "JSON" ? coalesce(var.functions[each.key].logging.application_level, "INFO") : null
    system_log_level      = var.functions[each.key].logging.format == "JSON" ? coalesce(var.functions[each.key].logging.system_level, "INFO") : null
  }

  dynamic "environment" {
    for_each = length(var.functions[each.key].environment) > 0 || contains(nonsensitive(keys(var.secret_environment)), each.key) ? [1] : []
    content {
      variables = merge(var.functions[each.key].environment, lookup(var.secret_environment, each.key, {}))
    }
  }

  dynamic "vpc_config" {
    for_each = length(var.functions[each.key].vpc.subnet_ids) > 0 ? [var.functions[each.key].vpc] : []
    content {
      subnet_ids                  = vpc_config.value.subnet_ids
      security_group_ids          = vpc_config.value.security_group_ids
      ipv6_allowed_for_dual_stack = vpc_config.value.ipv6
    }
  }

  dynamic "dead_letter_config" {
    for_each = var.functions[each.key].dead_letter_target == "" ? [] : [var.functions[each.key].dead_letter_target]
    content {
      target_arn = dead_letter_config.value
    }
  }

  dynamic "file_system_config" {
    for_each = var.functions[each.key].file_systems
    content {
      arn              = file_system_config.value.arn
      local_mount_path = file_system_config.value.local_mount_path
    }
  }

  dynamic "snap_start" {
    for_each = var.functions[each.key].snap_start == "None" ? [] : [var.functions[each.key].snap_start]
    content {
      apply_on = snap_start.value
    }
  }

  dynamic "image_config" {
    for_each = length(var.functions[each.key].image_config.entry_point) + length(var.functions[each.key].image_config.command) > 0 || var.functions[each.key].image_config.working_directory != "" ? [var.functions[each.key].image_config] : []
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
  for_each = local.callers

  function_name  = local.calls[each.key].function_name
  qualifier      = local.calls[each.key].qualifier
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = local.calls[each.key].bucket_arn
  source_account = local.account

  # The id is made of the content: a statement that changes gets a new one, so the new statement
  # stands before the old one goes.
  statement_id = "lockstep-${substr(sha256(local.calls[each.key].content), 0, 16)}"

  lifecycle {
    create_before_destroy = true
  }
}

# One for each group, not for each function: functions may share a group.
resource "aws_cloudwatch_log_group" "this" {
  for_each = {
    for key, function in var.functions : local.log_groups[key] => function.log_retention_days...
    if contains(local.retentions, coalesce(function.log_retention_days, -1)) # others: see rules.tf
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
