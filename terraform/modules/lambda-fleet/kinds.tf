# What stands beside a function, where it is declared. Each is one of Lockstep's kinds: a test compares
# attributes and defaults with its table.

locals {
  # Read here, all at once, as in main.tf: each instance that refers to the functions reads all of them again.
  names    = { for key, function in aws_lambda_function.this : key => function.function_name }
  versions = { for key, function in aws_lambda_function.this : key => function.version }
  aliases  = { for key, alias in merge(aws_lambda_alias.this, aws_lambda_alias.rolled) : key => alias.name }

  # As the aws engine marks an alias: project, target and release.
  marks = {
    for key, function in var.functions : key =>
    substr("lockstep ${var.project} ${key} ${function.version == null ? "" : function.version}", 0, 216)
  }

  kinds = {
    for key, function in var.functions : key => concat(
      function.async_invoke == null ? [] : ["asyncInvoke"],
      function.provisioned_concurrency == null ? [] : ["provisionedConcurrency"],
      function.recursion == null ? [] : ["recursion"],
      function.runtime_management == null ? [] : ["runtimeManagement"],
      function.url == null ? [] : ["url"],
    )
  }

  # With them the settings that no listing of AWS tells: the aws engine reads what the tag names.
  remembered = {
    for key, function in var.functions : key => sort(concat(
      local.kinds[key],
      lookup(local.words, key, []),
      coalesce(function.code_signing_config_arn, "none") == "none" ? [] : ["codeSigningConfigArn"],
      coalesce(function.log_retention_days, 0) == 0 ? [] : ["logRetentionDays"],
      function.reserved_concurrency == null ? [] : ["reservedConcurrency"],
    ))
  }
}

# What is called points at the version that was published last, with all calls.
resource "aws_lambda_alias" "this" {
  for_each = toset([for key, function in var.functions : key if function.alias != null && !function.rollout])

  name             = var.functions[each.key].alias
  function_name    = local.names[each.key]
  function_version = local.versions[each.key]
  description      = local.marks[each.key]

  # The new one stands before the bucket calls it, and the old one goes after that.
  lifecycle {
    create_before_destroy = true
  }
}

# Likewise where a rollout moves it: it is made with the first version. `ignore_changes` counts for a whole
# resource, so these are one of their own. A function that changes from one to the other needs
# `terraform state mv`, as the README says: otherwise its alias would be deleted.
resource "aws_lambda_alias" "rolled" {
  for_each = toset([for key, function in var.functions : key if function.alias != null && function.rollout])

  name             = var.functions[each.key].alias
  function_name    = local.names[each.key]
  function_version = local.versions[each.key]
  description      = local.marks[each.key]

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [function_version, routing_config, description]
  }
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = toset([for key, kinds in local.kinds : key if contains(kinds, "asyncInvoke")])

  function_name                = local.names[each.key]
  qualifier                    = lookup(local.aliases, each.key, null)
  maximum_retry_attempts       = var.functions[each.key].async_invoke.maximum_retry_attempts
  maximum_event_age_in_seconds = var.functions[each.key].async_invoke.maximum_event_age

  dynamic "destination_config" {
    for_each = var.functions[each.key].async_invoke.on_success == null && var.functions[each.key].async_invoke.on_failure == null ? [] : [var.functions[each.key].async_invoke]
    content {
      dynamic "on_success" {
        for_each = destination_config.value.on_success == null ? [] : [destination_config.value.on_success]
        content {
          destination = on_success.value
        }
      }
      dynamic "on_failure" {
        for_each = destination_config.value.on_failure == null ? [] : [destination_config.value.on_failure]
        content {
          destination = on_failure.value
        }
      }
    }
  }
}

resource "aws_lambda_function_url" "this" {
  for_each = toset([for key, kinds in local.kinds : key if contains(kinds, "url")])

  function_name      = local.names[each.key]
  qualifier          = lookup(local.aliases, each.key, null)
  authorization_type = var.functions[each.key].url.auth_type
  invoke_mode        = var.functions[each.key].url.invoke_mode

  dynamic "cors" {
    for_each = var.functions[each.key].url.cors == null ? [] : [var.functions[each.key].url.cors]
    content {
      allow_credentials = cors.value.allow_credentials
      allow_headers     = cors.value.allow_headers
      allow_methods     = cors.value.allow_methods
      allow_origins     = cors.value.allow_origins
      expose_headers    = cors.value.expose_headers
      max_age           = cors.value.max_age
    }
  }
}

# Of the version that the alias points at; its creation ends when AWS has made it.
resource "aws_lambda_provisioned_concurrency_config" "this" {
  for_each = toset([for key, kinds in local.kinds : key if contains(kinds, "provisionedConcurrency")])

  function_name                     = local.names[each.key]
  qualifier                         = lookup(local.aliases, each.key, null)
  provisioned_concurrent_executions = var.functions[each.key].provisioned_concurrency.executions
}

# Both are of the function as a whole, whichever alias is called.

resource "aws_lambda_function_recursion_config" "this" {
  for_each = toset([for key, kinds in local.kinds : key if contains(kinds, "recursion")])

  function_name  = local.names[each.key]
  recursive_loop = var.functions[each.key].recursion.loop
}

resource "aws_lambda_runtime_management_config" "this" {
  for_each = toset([for key, kinds in local.kinds : key if contains(kinds, "runtimeManagement")])

  function_name       = local.names[each.key]
  update_runtime_on   = var.functions[each.key].runtime_management.update_on
  runtime_version_arn = var.functions[each.key].runtime_management.version
}
