# What calls functions, of which one may have several, by names: what Lambda reads for them, log groups, rules,
# schedules, topics, routes, and permissions for callers that others configure. Each is one of Lockstep's kinds:
# a test compares attributes and defaults with its table. Buckets: notifications.tf.

locals {
  # By target and name: "staging/s3-notifier:orders". Finished maps, as in main.tf.
  event_sources = merge([
    for key, function in var.functions : {
      for name, one in function.event_sources : "${key}:${name}" => merge(one, {
        target  = key
        service = one.source == null ? "self-managed-kafka" : try(split(":", one.source)[2], "")
      })
    }
  ]...)
  http = merge([
    for key, function in var.functions : { for name, one in function.http : "${key}:${name}" => merge(one, { target = key }) }
  ]...)
  log_subscriptions = merge([
    for key, function in var.functions : {
      for name, one in function.log_subscriptions : "${key}:${name}" => merge(one, {
        target = key
        name   = one.name == null ? "${function.function_name}-${name}" : one.name
      })
    }
  ]...)
  permissions = merge([
    for key, function in var.functions : {
      for name, one in function.permissions : "${key}:${name}" => merge(one, {
        target = key
        id     = coalesce(one.id, "lockstep-permissions-${name}-${substr(sha256(jsonencode(one)), 0, 8)}")
      })
    }
  ]...)
  rules = merge([
    for key, function in var.functions : {
      for name, one in function.rules : "${key}:${name}" => merge(one, {
        target = key
        name   = one.name == null ? local.named["${key}:${name}"] : one.name
      })
    }
  ]...)
  schedules = merge([
    for key, function in var.functions : {
      for name, one in function.schedules : "${key}:${name}" => merge(one, {
        target = key
        name   = one.name == null ? local.named["${key}:${name}"] : one.name
      })
    }
  ]...)
  topics = merge([
    for key, function in var.functions : { for name, one in function.topics : "${key}:${name}" => merge(one, { target = key }) }
  ]...)

  # As the aws engine names what has no name of its own in AWS.
  named = merge([
    for key, function in var.functions : {
      for name in distinct(concat(keys(function.rules), keys(function.schedules))) : "${key}:${name}" =>
      length("${function.function_name}-${name}") <= 64 ? "${function.function_name}-${name}" : "${substr(function.function_name, 0, 54 - length(name))}-${substr(sha256(function.function_name), 0, 8)}-${name}"
    }
  ]...)

  # What AWS tells each from the others by, as the aws engine has it: for ids, and for the tag that remembers.
  identities = {
    eventSources = {
      for id, one in local.event_sources : id => join(" ", compact([
        one.source == null ? "" : one.source, join(",", sort(one.endpoints)), join(",", sort(one.topics)), join(",", sort(one.queues)),
      ]))
    }
    http             = { for id, one in local.http : id => "${one.api} ${one.route}" }
    logSubscriptions = { for id, one in local.log_subscriptions : id => "${one.group} ${substr(sha256(one.name), 0, 8)}" }
    permissions      = { for id, one in local.permissions : id => one.id }
    rules            = { for id, one in local.rules : id => "${one.bus} ${one.name}" }
    schedules        = { for id, one in local.schedules : id => "${one.group} ${one.name}" }
    topics           = { for id, one in local.topics : id => one.topic }
  }
  several = merge([
    for kind, identities in local.identities : {
      for id, identity in identities : "${kind}:${id}" => {
        target = split(":", id)[0]
        word   = "${kind}:${split(":", id)[1]}:${substr(sha256(identity), 0, 8)}"
      }
    }
  ]...)
  words = { for one in local.several : one.target => one.word... }

  # What is called, once it is there.
  reached = {
    for key, name in local.names : key =>
    "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${name}${contains(keys(local.aliases), key) ? ":${local.aliases[key]}" : ""}"
  }
  # No two aliases share the id of a statement.
  suffixes = {
    for key, function in var.functions : key => function.alias == null ? "" : "-${substr(sha256(function.alias), 0, 8)}"
  }

  # Statements by target, kind and name: who may call, and for what.
  admitted = merge(
    {
      for id, one in local.rules : replace(id, ":", ":rules:") => {
        target    = one.target
        principal = "events.amazonaws.com"
        source    = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${one.bus == "default" ? "" : "${one.bus}/"}${one.name}"
        id        = "lockstep-rules-${substr(sha256(local.identities.rules[id]), 0, 8)}"
      }
    },
    {
      for id, one in local.topics : replace(id, ":", ":topics:") => {
        target    = one.target
        principal = "sns.amazonaws.com"
        source    = one.topic
        id        = "lockstep-topics-${substr(sha256(local.identities.topics[id]), 0, 8)}"
      }
    },
    {
      for id, one in local.log_subscriptions : replace(id, ":", ":logSubscriptions:") => {
        target    = one.target
        principal = "logs.amazonaws.com"
        source    = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${one.group}:*"
        id        = "lockstep-logSubscriptions-${substr(sha256(one.name), 0, 8)}-${substr(sha256(one.group), 0, 8)}"
      }
    },
    {
      for id, one in local.http : replace(id, ":", ":http:") => {
        target    = one.target
        principal = "apigateway.amazonaws.com"
        source    = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${one.api}/*/${local.paths[id]}"
        id        = "lockstep-http-${substr(sha256(local.identities.http[id]), 0, 8)}"
      }
    },
  )
  # The end of what a route calls by: parameters of its path are any text.
  paths = {
    for id, one in local.http : id => one.route == "$default" ? one.route : replace(replace(replace(one.route, "/^ANY /", "* "), "/[{][^}]*[}]/", "*"), " ", "")
  }
}

resource "aws_lambda_permission" "callers" {
  for_each = toset(keys(local.admitted))

  function_name = local.names[local.admitted[each.key].target]
  qualifier     = lookup(local.aliases, local.admitted[each.key].target, null)
  action        = "lambda:InvokeFunction"
  principal     = local.admitted[each.key].principal
  source_arn    = local.admitted[each.key].source
  statement_id  = "${local.admitted[each.key].id}${local.suffixes[local.admitted[each.key].target]}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "this" {
  for_each = toset(keys(local.permissions))

  function_name          = local.names[local.permissions[each.key].target]
  qualifier              = lookup(local.aliases, local.permissions[each.key].target, null)
  action                 = local.permissions[each.key].action
  principal              = local.permissions[each.key].principal
  source_arn             = local.permissions[each.key].source_arn
  source_account         = local.permissions[each.key].source_account
  principal_org_id       = local.permissions[each.key].principal_org_id
  event_source_token     = local.permissions[each.key].event_source_token
  function_url_auth_type = local.permissions[each.key].function_url_auth_type

  # Made of what it says: one that changes stands before the old one goes.
  statement_id = "${local.permissions[each.key].id}${local.suffixes[local.permissions[each.key].target]}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = toset(keys(local.event_sources))

  function_name                      = local.reached[local.event_sources[each.key].target]
  event_source_arn                   = local.event_sources[each.key].source
  topics                             = length(local.event_sources[each.key].topics) == 0 ? null : local.event_sources[each.key].topics
  queues                             = length(local.event_sources[each.key].queues) == 0 ? null : sort(local.event_sources[each.key].queues)
  enabled                            = coalesce(local.event_sources[each.key].enabled, true)
  batch_size                         = coalesce(local.event_sources[each.key].batch_size, local.event_sources[each.key].service == "sqs" ? 10 : 100)
  maximum_batching_window_in_seconds = local.event_sources[each.key].maximum_batching_window
  starting_position                  = local.event_sources[each.key].starting_position
  starting_position_timestamp        = local.event_sources[each.key].starting_position_timestamp
  kms_key_arn                        = local.event_sources[each.key].kms_key_arn == "" ? null : local.event_sources[each.key].kms_key_arn
  function_response_types            = local.event_sources[each.key].function_response_types

  # Said where the source has them, default or not: the provider keeps what it is not told.
  maximum_retry_attempts         = contains(local.retrying, local.event_sources[each.key].service) ? local.event_sources[each.key].maximum_retry_attempts : null
  maximum_record_age_in_seconds  = contains(local.retrying, local.event_sources[each.key].service) ? local.event_sources[each.key].maximum_record_age : null
  bisect_batch_on_function_error = contains(local.retrying, local.event_sources[each.key].service) ? local.event_sources[each.key].bisect_batch_on_function_error : null
  parallelization_factor         = contains(local.sharded, local.event_sources[each.key].service) ? local.event_sources[each.key].parallelization_factor : null
  tumbling_window_in_seconds     = contains(local.sharded, local.event_sources[each.key].service) ? local.event_sources[each.key].tumbling_window : null

  dynamic "self_managed_event_source" {
    for_each = length(local.event_sources[each.key].endpoints) == 0 ? [] : [local.event_sources[each.key].endpoints]
    content {
      endpoints = { KAFKA_BOOTSTRAP_SERVERS = join(",", sort(self_managed_event_source.value)) }
    }
  }

  dynamic "filter_criteria" {
    for_each = length(local.event_sources[each.key].filters) == 0 ? [] : [local.event_sources[each.key].filters]
    content {
      dynamic "filter" {
        for_each = filter_criteria.value
        content {
          pattern = filter.value.pattern
        }
      }
    }
  }

  dynamic "scaling_config" {
    for_each = local.event_sources[each.key].maximum_concurrency == null ? [] : [local.event_sources[each.key].maximum_concurrency]
    content {
      maximum_concurrency = scaling_config.value
    }
  }

  dynamic "destination_config" {
    for_each = local.event_sources[each.key].on_failure == "" ? [] : [local.event_sources[each.key].on_failure]
    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }

  dynamic "source_access_configuration" {
    for_each = local.event_sources[each.key].source_access
    content {
      type = source_access_configuration.value.type
      uri  = source_access_configuration.value.uri
    }
  }

  dynamic "amazon_managed_kafka_event_source_config" {
    for_each = local.event_sources[each.key].managed_kafka.consumer_group_id == null ? [] : [local.event_sources[each.key].managed_kafka]
    content {
      consumer_group_id = amazon_managed_kafka_event_source_config.value.consumer_group_id
    }
  }

  dynamic "self_managed_kafka_event_source_config" {
    for_each = local.event_sources[each.key].self_managed_kafka.consumer_group_id == null ? [] : [local.event_sources[each.key].self_managed_kafka]
    content {
      consumer_group_id = self_managed_kafka_event_source_config.value.consumer_group_id
    }
  }

  dynamic "document_db_event_source_config" {
    for_each = local.event_sources[each.key].document_db.database_name == null ? [] : [local.event_sources[each.key].document_db]
    content {
      database_name   = document_db_event_source_config.value.database_name
      collection_name = document_db_event_source_config.value.collection_name
      full_document   = document_db_event_source_config.value.full_document
    }
  }

  dynamic "provisioned_poller_config" {
    for_each = local.event_sources[each.key].pollers.minimum == null ? [] : [local.event_sources[each.key].pollers]
    content {
      minimum_pollers = provisioned_poller_config.value.minimum
      maximum_pollers = provisioned_poller_config.value.maximum
    }
  }

  dynamic "metrics_config" {
    for_each = length(local.event_sources[each.key].metrics) == 0 ? [] : [local.event_sources[each.key].metrics]
    content {
      metrics = metrics_config.value
    }
  }
}

locals {
  retrying = ["kinesis", "dynamodb", "kafka", "self-managed-kafka"]
  sharded  = ["kinesis", "dynamodb"]
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = toset(keys(local.rules))

  name                = local.rules[each.key].name
  event_bus_name      = local.rules[each.key].bus
  event_pattern       = local.rules[each.key].pattern
  schedule_expression = local.rules[each.key].schedule
  description         = local.rules[each.key].description == "" ? null : local.rules[each.key].description
  state               = coalesce(local.rules[each.key].enabled, true) ? "ENABLED" : "DISABLED"

  # As the aws engine marks a rule that it made.
  tags = { "lockstep:function" = local.names[local.rules[each.key].target] }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = toset(keys(local.rules))

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = local.rules[each.key].bus
  target_id      = "lockstep-${substr(sha256(local.names[local.rules[each.key].target]), 0, 8)}" # others' have other ids
  arn            = local.reached[local.rules[each.key].target]
  input          = local.rules[each.key].input
  input_path     = local.rules[each.key].input_path

  dynamic "input_transformer" {
    for_each = local.rules[each.key].input_template == null ? [] : [local.rules[each.key]]
    content {
      input_paths    = { for one in input_transformer.value.input_paths : one.name => one.path }
      input_template = input_transformer.value.input_template
    }
  }

  dynamic "retry_policy" {
    for_each = local.rules[each.key].maximum_retry_attempts == 185 && local.rules[each.key].maximum_event_age == 86400 ? [] : [local.rules[each.key]]
    content {
      maximum_retry_attempts       = retry_policy.value.maximum_retry_attempts
      maximum_event_age_in_seconds = retry_policy.value.maximum_event_age
    }
  }

  dynamic "dead_letter_config" {
    for_each = local.rules[each.key].dead_letter_queue == null ? [] : [local.rules[each.key].dead_letter_queue]
    content {
      arn = dead_letter_config.value
    }
  }

  # The function lets the rule in before it calls.
  depends_on = [aws_lambda_permission.callers]
}

resource "aws_scheduler_schedule" "this" {
  for_each = toset(keys(local.schedules))

  name                         = local.schedules[each.key].name
  group_name                   = local.schedules[each.key].group
  schedule_expression          = local.schedules[each.key].schedule
  schedule_expression_timezone = local.schedules[each.key].timezone
  start_date                   = local.schedules[each.key].start
  end_date                     = local.schedules[each.key].end
  description                  = local.schedules[each.key].description == "" ? null : local.schedules[each.key].description
  state                        = coalesce(local.schedules[each.key].enabled, true) ? "ENABLED" : "DISABLED"
  kms_key_arn                  = local.schedules[each.key].kms_key_arn

  flexible_time_window {
    mode                      = local.schedules[each.key].flexible_window == null ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = local.schedules[each.key].flexible_window
  }

  target {
    arn      = local.reached[local.schedules[each.key].target]
    role_arn = local.schedules[each.key].role
    input    = local.schedules[each.key].input

    # Said always: the provider keeps the block that it is not told.
    retry_policy {
      maximum_retry_attempts       = local.schedules[each.key].maximum_retry_attempts
      maximum_event_age_in_seconds = local.schedules[each.key].maximum_event_age
    }

    dynamic "dead_letter_config" {
      for_each = local.schedules[each.key].dead_letter_queue == null ? [] : [local.schedules[each.key].dead_letter_queue]
      content {
        arn = dead_letter_config.value
      }
    }
  }
}

resource "aws_sns_topic_subscription" "this" {
  for_each = toset(keys(local.topics))

  topic_arn           = local.topics[each.key].topic
  protocol            = "lambda"
  endpoint            = local.reached[local.topics[each.key].target]
  filter_policy       = local.topics[each.key].filter_policy
  filter_policy_scope = local.topics[each.key].filter_policy == null ? null : local.topics[each.key].filter_policy_scope
  redrive_policy      = local.topics[each.key].dead_letter_queue == null ? null : jsonencode({ deadLetterTargetArn = local.topics[each.key].dead_letter_queue })

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_lambda_permission.callers]
}

# A log group has one filter of a name, so the old one goes before the new one comes where either changes, or
# what it calls.
resource "aws_cloudwatch_log_subscription_filter" "this" {
  for_each = toset(keys(local.log_subscriptions))

  log_group_name  = local.log_subscriptions[each.key].group
  name            = local.log_subscriptions[each.key].name
  filter_pattern  = local.log_subscriptions[each.key].pattern
  destination_arn = local.reached[local.log_subscriptions[each.key].target]

  depends_on = [aws_lambda_permission.callers]
}

# The API is somebody else's and stays where it is.
resource "aws_apigatewayv2_integration" "this" {
  for_each = toset(keys(local.http))

  api_id                 = local.http[each.key].api
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = local.reached[local.http[each.key].target]
  payload_format_version = local.http[each.key].payload_format_version
  timeout_milliseconds   = local.http[each.key].timeout

  # As the aws engine knows its own by.
  description = "lockstep ${local.names[local.http[each.key].target]} ${local.http[each.key].route}"
}

resource "aws_apigatewayv2_route" "this" {
  for_each = toset(keys(local.http))

  api_id               = local.http[each.key].api
  route_key            = local.http[each.key].route
  authorization_type   = local.http[each.key].authorization_type
  authorizer_id        = local.http[each.key].authorizer_id == "" ? null : local.http[each.key].authorizer_id
  authorization_scopes = length(local.http[each.key].authorization_scopes) == 0 ? null : local.http[each.key].authorization_scopes
  operation_name       = local.http[each.key].operation_name == "" ? null : local.http[each.key].operation_name
  target               = "integrations/${aws_apigatewayv2_integration.this[each.key].id}"

  depends_on = [aws_lambda_permission.callers]
}
