# What the module takes. Names are those of Lockstep's `lambda:` block in snake_case, one for one,
# so that a declaration and its Terraform value read alike.

variable "project" {
  description = "Name of the Lockstep project. It goes into the ownership tags and into the ids of notification entries."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.project))
    error_message = "project is \"${var.project}\"; use at most 63 lowercase letters, digits and hyphens, as `project:` in lockstep.yaml."
  }
}

variable "environments" {
  description = "Environments that may be in `functions`, for instance [\"staging\", \"preview\"]; `preview` stands for every `preview/pr-N`. Null allows any."
  type        = set(string)
  default     = null
}

variable "functions" {
  description = <<-EOT
    All functions, by target: "staging/s3-notifier", "preview/pr-123/s3-notifier". An attribute that is
    absent or null means AWS's default. Nothing here is secret: secret values of environment variables
    go into `secret_environment`.
  EOT
  type = map(object({
    function_name = string
    version       = optional(string) # of the service; goes into the tag lockstep:version and the outputs
    commit        = optional(string) # of the source; goes into the outputs

    # A package in S3 (bucket, key and hash), or an image.
    code = object({
      bucket           = optional(string)
      key              = optional(string)
      object_version   = optional(string)
      source_code_hash = optional(string) # base64 of the zip's SHA-256, as Lambda's CodeSha256
      redeploy         = optional(string) # any text; another one deploys the same package again
      image            = optional(string) # URI with its tag or digest
    })

    role          = string           # an ARN, or the name (path included) of a role in the account
    runtime       = optional(string) # packages only, and needed there
    handler       = optional(string) # packages only, and needed there
    description   = optional(string, "")
    memory_size   = optional(number, 128) # MB
    timeout       = optional(number, 3)   # seconds
    environment   = optional(map(string), {})
    layers        = optional(list(string), [])
    architectures = optional(list(string), ["x86_64"])

    ephemeral_storage = optional(number, 512) # MB of /tmp
    vpc = optional(object({
      subnet_ids         = optional(list(string), [])
      security_group_ids = optional(list(string), [])
      ipv6               = optional(bool, false)
    }), {})
    tracing            = optional(string, "PassThrough")
    dead_letter_target = optional(string, "")
    kms_key_arn        = optional(string, "")
    file_systems = optional(list(object({
      arn              = string
      local_mount_path = string
      direct_s3_read   = optional(string)
    })), [])
    logging = optional(object({
      format            = optional(string, "Text")
      application_level = optional(string) # with format JSON; INFO when absent
      system_level      = optional(string) # with format JSON; INFO when absent
      group             = optional(string) # /aws/lambda/ and the function's name when absent
    }), {})
    snap_start = optional(string, "None")
    image_config = optional(object({
      entry_point       = optional(list(string), [])
      command           = optional(list(string), [])
      working_directory = optional(string, "")
    }), {})
    code_signing_config_arn = optional(string)

    # With a name every change is published as a version, which the alias then points at; buckets, the URL and
    # the settings of asynchronous calls use the alias. Absent: the function runs as it is ($LATEST).
    alias = optional(string)

    # True: what runs Terraform moves the alias itself, step by step. Terraform makes it, and lets its version,
    # its weights and its description alone from then on.
    rollout = optional(bool, false)

    reserved_concurrency = optional(number) # absent: none is reserved
    log_retention_days   = optional(number) # absent: the log group is not touched; 0: kept for ever

    # Beside the function; absent: none. See kinds.tf.
    async_invoke = optional(object({
      maximum_retry_attempts = optional(number, 2)
      maximum_event_age      = optional(number, 21600) # seconds
      on_success             = optional(string)        # ARN of what is told
      on_failure             = optional(string)        # ARN of what gets the event
    }))
    url = optional(object({
      auth_type   = string # AWS_IAM; NONE is refused: see rules.tf
      invoke_mode = optional(string, "BUFFERED")
      cors = optional(object({
        allow_credentials = optional(bool, false)
        allow_headers     = optional(set(string), [])
        allow_methods     = optional(set(string), [])
        allow_origins     = optional(set(string), [])
        expose_headers    = optional(set(string), [])
        max_age           = optional(number, 0) # seconds
      }))
    }))
    provisioned_concurrency = optional(object({
      executions = optional(number) # of the alias, which it needs
    }))
    recursion = optional(object({
      loop = optional(string, "Terminate")
    }))
    runtime_management = optional(object({
      update_on = optional(string, "Auto")
      version   = optional(string) # ARN of the version of the runtime that stays, with Manual
    }))

    # What calls it, by names; absent: nothing. See callers.tf.
    event_sources = optional(map(object({
      source                         = optional(string) # ARN of a queue, stream, cluster or broker
      endpoints                      = optional(set(string), [])
      topics                         = optional(set(string), [])
      queues                         = optional(set(string), [])
      enabled                        = optional(bool)   # true when absent
      batch_size                     = optional(number) # AWS's default when absent: 10 for SQS, else 100
      maximum_batching_window        = optional(number, 0)
      starting_position              = optional(string)
      starting_position_timestamp    = optional(string)
      filters                        = optional(list(object({ pattern = string })), [])
      kms_key_arn                    = optional(string, "")
      function_response_types        = optional(set(string), [])
      maximum_concurrency            = optional(number)
      on_failure                     = optional(string, "")
      maximum_retry_attempts         = optional(number, -1)
      maximum_record_age             = optional(number, -1)
      bisect_batch_on_function_error = optional(bool, false)
      parallelization_factor         = optional(number, 1)
      tumbling_window                = optional(number, 0)
      source_access                  = optional(list(object({ type = string, uri = string })), [])
      managed_kafka = optional(object({
        consumer_group_id = optional(string)
      }), {})
      self_managed_kafka = optional(object({
        consumer_group_id = optional(string)
      }), {})
      document_db = optional(object({
        database_name   = optional(string)
        collection_name = optional(string)
        full_document   = optional(string, "Default")
      }), {})
      pollers = optional(object({
        minimum = optional(number)
        maximum = optional(number)
      }), {})
      metrics = optional(set(string), [])
    })), {})
    http = optional(map(object({
      api                    = string # id of an HTTP API that is there
      route                  = string
      authorization_type     = optional(string, "NONE")
      authorizer_id          = optional(string, "")
      authorization_scopes   = optional(set(string), [])
      operation_name         = optional(string, "")
      payload_format_version = optional(string, "2.0")
      timeout                = optional(number, 30000) # milliseconds
    })), {})
    log_subscriptions = optional(map(object({
      group   = string           # a log group that is there
      name    = optional(string) # the function's and this one's when absent
      pattern = optional(string, "")
    })), {})
    permissions = optional(map(object({
      principal              = string
      action                 = optional(string, "lambda:InvokeFunction")
      source_arn             = optional(string)
      source_account         = optional(string)
      principal_org_id       = optional(string)
      event_source_token     = optional(string)
      function_url_auth_type = optional(string)
      id                     = optional(string) # of the statement, without what tells aliases apart
    })), {})
    rules = optional(map(object({
      name                   = optional(string) # the function's and this one's when absent
      bus                    = optional(string, "default")
      pattern                = optional(string)
      schedule               = optional(string)
      description            = optional(string, "")
      enabled                = optional(bool) # true when absent
      input                  = optional(string)
      input_path             = optional(string)
      input_paths            = optional(list(object({ name = string, path = string })), [])
      input_template         = optional(string)
      maximum_retry_attempts = optional(number, 185)
      maximum_event_age      = optional(number, 86400) # seconds
      dead_letter_queue      = optional(string)
    })), {})
    schedules = optional(map(object({
      name                   = optional(string) # the function's and this one's when absent
      group                  = optional(string, "default")
      schedule               = string
      timezone               = optional(string, "UTC")
      start                  = optional(string)
      end                    = optional(string)
      flexible_window        = optional(number) # minutes
      description            = optional(string, "")
      enabled                = optional(bool) # true when absent
      role                   = string         # that the Scheduler calls with
      input                  = optional(string)
      maximum_retry_attempts = optional(number, 185)
      maximum_event_age      = optional(number, 86400) # seconds
      dead_letter_queue      = optional(string)
      kms_key_arn            = optional(string)
    })), {})
    topics = optional(map(object({
      topic               = string
      filter_policy       = optional(string)
      filter_policy_scope = optional(string, "MessageAttributes")
      dead_letter_queue   = optional(string)
    })), {})

    # The AWS provider cannot set these. They are here to be refused instead of dropped in silence.
    durable = optional(object({
      execution_timeout = optional(number)
      retention_days    = optional(number)
      kms_key_arn       = optional(string)
    }))
    capacity_provider = optional(object({
      arn             = optional(string)
      max_concurrency = optional(number)
      memory_per_vcpu = optional(number)
    }))
    accelerator = optional(object({
      memory_size = optional(number)
    }))
    custom_runtime = optional(object({
      arn   = optional(string)
      alias = optional(string)
    }))
    tenancy                = optional(string)
    source_kms_key_arn     = optional(string)
    s3_object_storage_mode = optional(string)

    tags = optional(map(string), {}) # a tag that is null is left out
    triggers = optional(list(object({
      bucket = string
      prefix = optional(string, "")
      suffix = optional(string, "")
      events = optional(list(string), ["s3:ObjectCreated:*"])
    })), [])
  }))
  nullable = false

  validation {
    condition = alltrue([
      for key in keys(var.functions) : can(regex("^(preview/)?[A-Za-z0-9][A-Za-z0-9._-]{0,62}/[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", key))
    ])
    error_message = "The keys of functions are targets such as \"staging/s3-notifier\" or \"preview/pr-123/s3-notifier\", whose parts have at most 63 letters, digits, dots, hyphens and underscores. The keys are: ${join(", ", keys(var.functions))}."
  }

  validation {
    condition     = length(distinct(values(var.functions)[*].function_name)) == length(var.functions)
    error_message = "Two targets cannot have one function. Declare another function_name for one of ${join("; ", [for name, keys in { for key, function in var.functions : function.function_name => key... } : "${join(" and ", keys)} (${name})" if length(keys) > 1])}."
  }

  # What a function may be is in rules.tf: there a message names the function that it is about.
}

variable "secret_environment" {
  description = "Environment variables that no output may show, by target and name. They are added to `environment` and win over it. Like every value they lie in the state as plain text: encrypt it."
  type        = map(map(string))
  default     = {}
  nullable    = false
  sensitive   = true
}

variable "foreign_notifications" {
  description = <<-EOT
    Entries of others on the buckets, by bucket. A bucket's notifications are one resource and every
    apply replaces all of them, so whatever is not declared here or by a trigger is removed.
  EOT
  type = map(object({
    eventbridge = optional(bool, false)
    lambda_functions = optional(list(object({
      id                  = optional(string)
      lambda_function_arn = string
      events              = list(string)
      filter_prefix       = optional(string)
      filter_suffix       = optional(string)
    })), [])
    queues = optional(list(object({
      id            = optional(string)
      queue_arn     = string
      events        = list(string)
      filter_prefix = optional(string)
      filter_suffix = optional(string)
    })), [])
    topics = optional(list(object({
      id            = optional(string)
      topic_arn     = string
      events        = list(string)
      filter_prefix = optional(string)
      filter_suffix = optional(string)
    })), [])
  }))
  default  = {}
  nullable = false
}

variable "notification_order" {
  description = "Ids of Lambda entries by bucket, in the order in which a bucket has them now. Only for a take-over without any change: the order means nothing to S3, but Terraform compares it. Ids that do not exist are ignored; entries that are not named come last, foreign ones first, then by id."
  type        = map(list(string))
  default     = {}
  nullable    = false
}
