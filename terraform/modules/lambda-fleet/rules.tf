# What a function has to be like before anything is created. Every rule is AWS's, or the provider's where
# it can do less. They are preconditions of each function rather than validations of the variable, so that
# Terraform reports them by function, with all that is wrong at once.

locals {
  names_beside = {
    for key, function in var.functions : key => concat(
      keys(function.event_sources), keys(function.http), keys(function.log_subscriptions),
      keys(function.permissions), keys(function.rules), keys(function.schedules), keys(function.topics),
    )
  }
  lambda_variables = [ # Lambda sets them itself and refuses them
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER", "_X_AMZN_TRACE_ID",
  ]
  retentions = [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
  events = join("|", [
    "ObjectCreated:([*]|Put|Post|Copy|CompleteMultipartUpload)",
    "ObjectRemoved:([*]|Delete|DeleteMarkerCreated)",
    "ObjectRestore:([*]|Post|Completed|Delete)",
    "ReducedRedundancyLostObject",
    "Replication:([*]|OperationFailedReplication|OperationNotTracked|OperationMissedThreshold|OperationReplicatedAfterThreshold)",
    "LifecycleExpiration:([*]|Delete|DeleteMarkerCreated)",
    "LifecycleTransition",
    "IntelligentTiering",
    "ObjectAcl:Put",
    "ObjectTagging:([*]|Put|Delete)",
    "ObjectAnnotation:([*]|Put|Delete)",
    "ObjectRetention:Put",
  ])

  problems = {
    for key, function in var.functions : key => [
      for rule in [
        {
          holds = var.environments == null || contains(coalesce(var.environments, []), split("/", key)[0])
          says  = "the environment ${split("/", key)[0]} is unknown; correct the key, or add it to environments (${join(", ", sort(coalesce(var.environments, [])))})"
        },
        {
          holds = can(regex("^[A-Za-z0-9_-]{1,64}$", function.function_name))
          says  = "function_name is \"${function.function_name}\"; it has 1 to 64 letters, digits, hyphens and underscores, and is no ARN"
        },
        {
          holds = can(regex("^(arn:aws[a-z-]*:iam::[0-9]{12}:role/.+|[A-Za-z0-9_+=,.@/-]{1,576})$", function.role))
          says  = "role is \"${function.role}\"; give an ARN, or the name of a role in the account"
        },
        {
          holds = can(regex("^[a-zA-Z0-9_-]{1,100}$", coalesce(function.alias, "live"))) && !can(regex("^[0-9]+$", coalesce(function.alias, "live")))
          says  = "alias is \"${coalesce(function.alias, "live")}\"; it has at most 100 letters, digits, hyphens and underscores, and is no number"
        },

        # What it runs
        {
          holds = (function.code.image != null) != (function.code.bucket != null && function.code.key != null)
          says  = "code is either a package (bucket and key) or an image"
        },
        {
          holds = function.code.image == null || (function.code.bucket == null && function.code.key == null && function.code.object_version == null && function.code.source_code_hash == null && function.code.redeploy == null)
          says  = "code.image goes alone: remove bucket, key, object_version, source_code_hash and redeploy"
        },
        {
          holds = function.code.image != null || can(regex("^[A-Za-z0-9+/]{43}=$", function.code.source_code_hash))
          says  = "code.source_code_hash is the base64 of the package's SHA-256 (openssl dgst -sha256 -binary package.zip | base64); without it a new package under the same key would never be deployed"
        },
        {
          holds = function.code.image == null || can(regex("^[^[:space:]/:]+(:[0-9]+)?/[^[:space:]@]+(:[^/[:space:]:@]+|@sha256:[0-9a-f]{64})$", function.code.image))
          says  = "code.image needs a tag or digest, as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/name:tag"
        },
        {
          holds = function.code.image != null || (function.runtime != null && function.handler != null)
          says  = "a package needs runtime and handler"
        },
        {
          holds = function.code.image == null || (function.runtime == null && function.handler == null && length(function.layers) == 0 && function.snap_start == "None")
          says  = "runtime, handler, layers and snap_start do not go with an image"
        },
        {
          holds = function.code.image != null || (length(function.image_config.entry_point) == 0 && length(function.image_config.command) == 0 && function.image_config.working_directory == "")
          says  = "image_config goes with an image only"
        },

        # Beside it
        {
          holds = function.url == null || try(function.url.auth_type, "") == "AWS_IAM"
          says  = "url.auth_type is \"${try(function.url.auth_type, "")}\"; the module makes addresses for callers that sign (AWS_IAM): one for everybody needs a statement with InvokedViaFunctionUrl, which the provider's aws_lambda_permission cannot make in every version that the module takes"
        },
        {
          holds = try(function.async_invoke.maximum_retry_attempts, null) == null || contains([0, 1, 2], try(function.async_invoke.maximum_retry_attempts, 0))
          says  = "async_invoke.maximum_retry_attempts is ${try(function.async_invoke.maximum_retry_attempts, 0)}; AWS takes 0, 1 or 2"
        },
        {
          holds = try(function.async_invoke.maximum_event_age >= 60 && function.async_invoke.maximum_event_age <= 21600, true)
          says  = "async_invoke.maximum_event_age is ${try(function.async_invoke.maximum_event_age, 0)}; AWS takes 60 to 21600 seconds"
        },
        {
          holds = contains(["Allow", "Terminate"], try(function.recursion.loop, "Terminate"))
          says  = "recursion.loop is \"${try(function.recursion.loop, "")}\"; give Allow or Terminate"
        },
        {
          holds = contains(["Auto", "FunctionUpdate", "Manual"], try(function.runtime_management.update_on, "Auto"))
          says  = "runtime_management.update_on is \"${try(function.runtime_management.update_on, "")}\"; give Auto, FunctionUpdate or Manual"
        },
        {
          holds = (try(function.runtime_management.update_on, "Auto") == "Manual") == (try(function.runtime_management.version, null) != null)
          says  = "runtime_management.version goes with update_on Manual, and with no other"
        },
        {
          holds = function.runtime_management == null || function.alias == null
          says  = "runtime_management is set for a function without alias alone: AWS keeps one for each published version"
        },
        {
          holds = function.provisioned_concurrency == null || function.alias != null
          says  = "provisioned_concurrency is an alias's: declare alias too"
        },
        {
          holds = try(function.provisioned_concurrency.executions >= 1, function.provisioned_concurrency == null)
          says  = "provisioned_concurrency.executions is a whole number from 1"
        },
        {
          holds = alltrue([for one in function.log_subscriptions : one.group != coalesce(function.logging.group, "/aws/lambda/${function.function_name}")])
          says  = "log_subscriptions name the function's own log group: each call would write what calls it again"
        },
        {
          holds = alltrue([for name in local.names_beside[key] : can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", name))])
          says  = "the names of event_sources, http, log_subscriptions, permissions, rules, schedules and topics have at most 32 letters, digits, hyphens and underscores, unlike ${join(", ", [for name in local.names_beside[key] : name if !can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", name))])}"
        },
        {
          holds = alltrue([for one in function.event_sources : (one.source != null) != (length(one.endpoints) > 0)])
          says  = "an event source has either source or endpoints: ${join(", ", [for name, one in function.event_sources : name if(one.source != null) == (length(one.endpoints) > 0)])}"
        },
        {
          holds = alltrue([for one in function.rules : (one.pattern != null) != (one.schedule != null)])
          says  = "a rule has either pattern or schedule: ${join(", ", [for name, one in function.rules : name if(one.pattern != null) == (one.schedule != null)])}"
        },

        # How it runs
        {
          holds = length(function.description) <= 256
          says  = "description has ${length(function.description)} characters; AWS allows 256"
        },
        {
          holds = function.memory_size >= 128 && function.memory_size <= 10240 && floor(function.memory_size) == function.memory_size
          says  = "memory_size is ${function.memory_size}; give whole MB from 128 to 10240, the most that the provider takes"
        },
        {
          holds = function.timeout >= 1 && function.timeout <= 900 && floor(function.timeout) == function.timeout
          says  = "timeout is ${function.timeout}; give whole seconds from 1 to 900, the most that the provider takes"
        },
        {
          holds = function.ephemeral_storage >= 512 && function.ephemeral_storage <= 10240 && floor(function.ephemeral_storage) == function.ephemeral_storage
          says  = "ephemeral_storage is ${function.ephemeral_storage}; give whole MB from 512 to 10240"
        },
        {
          holds = length(function.architectures) == 1 && contains(["x86_64", "arm64"], try(function.architectures[0], ""))
          says  = "architectures is [\"x86_64\"] or [\"arm64\"]"
        },
        {
          holds = length(function.layers) <= 5
          says  = "there are ${length(function.layers)} layers; AWS allows 5"
        },
        {
          holds = alltrue([for name in keys(function.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name))])
          says  = "the name of an environment variable begins with a letter and has at least two letters, digits and underscores, unlike ${join(", ", [for name in keys(function.environment) : name if !can(regex("^[A-Za-z][A-Za-z0-9_]+$", name))])}"
        },
        {
          holds = length(setintersection(keys(function.environment), local.lambda_variables)) == 0
          says  = "Lambda sets ${join(", ", setintersection(keys(function.environment), local.lambda_variables))} itself; remove it from environment"
        },
        {
          holds = sum(concat([0], [for name, value in function.environment : length(name) + length(coalesce(value, " "))])) <= 4096
          says  = "environment has more than 4 KB, which is what Lambda takes"
        },
        {
          holds = contains(["Active", "PassThrough"], function.tracing)
          says  = "tracing is \"${function.tracing}\"; give Active or PassThrough"
        },
        {
          holds = contains(["PublishedVersions", "None"], function.snap_start)
          says  = "snap_start is \"${function.snap_start}\"; give PublishedVersions or None"
        },
        {
          holds = (length(function.vpc.subnet_ids) > 0) == (length(function.vpc.security_group_ids) > 0) && (!function.vpc.ipv6 || length(function.vpc.subnet_ids) > 0)
          says  = "vpc needs both subnet_ids and security_group_ids"
        },
        {
          holds = contains(["Text", "JSON"], function.logging.format)
          says  = "logging.format is \"${function.logging.format}\"; give Text or JSON"
        },
        {
          holds = function.logging.format == "JSON" || (function.logging.application_level == null && function.logging.system_level == null)
          says  = "logging.application_level and system_level exist only with logging.format JSON"
        },
        {
          holds = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], coalesce(function.logging.application_level, "INFO")) && contains(["DEBUG", "INFO", "WARN"], coalesce(function.logging.system_level, "INFO"))
          says  = "logging.application_level is TRACE, DEBUG, INFO, WARN, ERROR or FATAL, and system_level DEBUG, INFO or WARN"
        },
        {
          holds = coalesce(function.reserved_concurrency, 0) >= 0 && floor(coalesce(function.reserved_concurrency, 0)) == coalesce(function.reserved_concurrency, 0)
          says  = "reserved_concurrency is ${coalesce(function.reserved_concurrency, 0)}; give a whole number from 0, or leave it out to reserve nothing"
        },
        {
          holds = contains(local.retentions, coalesce(function.log_retention_days, 0))
          says  = "log_retention_days is ${coalesce(function.log_retention_days, 0)}; CloudWatch knows ${join(", ", slice(local.retentions, 1, length(local.retentions)))}, and 0 for ever"
        },

        # What the provider cannot set
        {
          holds = function.durable == null || try(function.durable.execution_timeout == null && function.durable.retention_days == null && function.durable.kms_key_arn == null, true)
          says  = "the AWS provider 5 cannot set durable; leave this function to the engine aws"
        },
        {
          holds = function.capacity_provider == null || try(function.capacity_provider.arn == null && function.capacity_provider.max_concurrency == null && function.capacity_provider.memory_per_vcpu == null, true)
          says  = "the AWS provider 5 cannot set capacity_provider; leave this function to the engine aws"
        },
        {
          holds = try(function.accelerator.memory_size, null) == null
          says  = "the AWS provider 5 cannot set accelerator; leave this function to the engine aws"
        },
        {
          holds = try(function.custom_runtime.arn, null) == null && try(function.custom_runtime.alias, null) == null
          says  = "the AWS provider 5 cannot set custom_runtime; leave this function to the engine aws"
        },
        {
          holds = function.tenancy == null
          says  = "the AWS provider 5 cannot set tenancy; leave this function to the engine aws"
        },
        {
          holds = coalesce(function.source_kms_key_arn, "none") == "none"
          says  = "the AWS provider 5 cannot set source_kms_key_arn; leave this function to the engine aws"
        },
        {
          holds = coalesce(function.s3_object_storage_mode, "COPY") == "COPY"
          says  = "the AWS provider 5 cannot set s3_object_storage_mode; leave this function to the engine aws"
        },
        {
          holds = alltrue([for mounted in function.file_systems : coalesce(mounted.direct_s3_read, "AUTO") == "AUTO"])
          says  = "the AWS provider 5 cannot set direct_s3_read; leave this function to the engine aws"
        },
        {
          holds = length(function.file_systems) <= 1
          says  = "the AWS provider mounts one file system; leave this function to the engine aws"
        },

        # What calls it, and its tags
        {
          holds = alltrue([for trigger in function.triggers : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", trigger.bucket))])
          says  = "the bucket of a trigger is its name alone (3 to 63 lowercase letters, digits, dots and hyphens), unlike ${join(", ", [for trigger in function.triggers : trigger.bucket if !can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", trigger.bucket))])}"
        },
        {
          holds = alltrue([for text in concat(function.triggers[*].prefix, function.triggers[*].suffix) : can(regex("^([A-Za-z0-9/._+-]|%[0-9A-Fa-f]{2})*$", text))])
          says  = "S3 compares prefixes and suffixes letter by letter: no wildcards, a space is written +, other special characters percent-encoded, unlike ${join(", ", [for text in concat(function.triggers[*].prefix, function.triggers[*].suffix) : text if !can(regex("^([A-Za-z0-9/._+-]|%[0-9A-Fa-f]{2})*$", text))])}"
        },
        {
          holds = alltrue([for event in flatten(function.triggers[*].events) : can(regex("^s3:(${local.events})$", event))])
          says  = "S3 has no event ${join(", ", [for event in flatten(function.triggers[*].events) : event if !can(regex("^s3:(${local.events})$", event))])}; for example s3:ObjectCreated:*"
        },
        {
          holds = alltrue([for trigger in function.triggers : length(trigger.events) > 0])
          says  = "a trigger has no events; leave events out for s3:ObjectCreated:*"
        },
        {
          holds = alltrue([for name, value in local.tags[key] : length(name) <= 128 && !startswith(lower(name), "aws:") && length(value) <= 256]) && length(local.tags[key]) <= 50
          says  = "a function has at most 50 tags; a key has at most 128 characters and does not start with aws:, a value has at most 256 (if that is lockstep:buckets, pass it in tags, continued in lockstep:buckets.2)"
        },
      ] : rule.says if !rule.holds
    ]
  }
}
