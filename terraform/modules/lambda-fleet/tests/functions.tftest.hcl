# What a declaration becomes: functions, permissions, log groups.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  project = "syrf"
}

run "what_is_absent_is_aws_s_default" {
  command = plan

  variables {
    functions = {
      "staging/s3-notifier" = {
        function_name = "notifier-staging"
        role          = "service/lambda-role"
        runtime       = "dotnet8"
        handler       = "Handler"
        code          = { bucket = "packages", key = "a.zip", source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY=" }
      }
    }
  }

  assert {
    condition = alltrue([for function in [aws_lambda_function.this["staging/s3-notifier"]] :
      function.role == "arn:aws:iam::123456789012:role/service/lambda-role"
      && function.package_type == "Zip"
      && function.description == ""
      && function.memory_size == 128
      && function.timeout == 3
      && function.architectures == tolist(["x86_64"])
      && length(function.layers) == 0
      && function.kms_key_arn == null
      && function.reserved_concurrent_executions == -1
      && function.ephemeral_storage[0].size == 512
      && function.tracing_config[0].mode == "PassThrough"
      && function.logging_config[0].log_format == "Text"
      && function.logging_config[0].log_group == "/aws/lambda/notifier-staging"
      && function.logging_config[0].application_log_level == null
      && length(function.environment) + length(function.vpc_config) + length(function.dead_letter_config) == 0
      && length(function.file_system_config) + length(function.snap_start) + length(function.image_config) == 0
      && function.tags == tomap({ "lockstep:project" = "syrf", "lockstep:target" = "staging/s3-notifier" })
    ])
    error_message = "An absent attribute is not AWS's default."
  }
  assert {
    condition     = length(aws_cloudwatch_log_group.this) + length(aws_lambda_permission.s3) + length(aws_s3_bucket_notification.this) == 0
    error_message = "Something was made that nobody declared."
  }
}

run "every_attribute_arrives" {
  command = plan

  variables {
    functions = {
      "preview/pr-123/s3-notifier" = {
        function_name = "notifier-pr-123"
        version       = "1.2.3-pr.4"
        commit        = "abc123d"
        role          = "arn:aws:iam::123456789012:role/lambda-role"
        runtime       = "python3.13"
        handler       = "app.handler"
        description   = "Tells RabbitMQ"
        code = {
          bucket           = "packages", key = "a.zip", object_version = "v1"
          source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY="
        }
        memory_size             = 10240
        timeout                 = 900
        environment             = { LEVEL = "debug" }
        layers                  = ["arn:aws:lambda:eu-west-1:123456789012:layer:b:1", "arn:aws:lambda:eu-west-1:123456789012:layer:a:1"]
        architectures           = ["arm64"]
        ephemeral_storage       = 10240
        vpc                     = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"], ipv6 = true }
        tracing                 = "Active"
        dead_letter_target      = "arn:aws:sqs:eu-west-1:123456789012:dead"
        kms_key_arn             = "arn:aws:kms:eu-west-1:123456789012:key/1"
        file_systems            = [{ arn = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1", local_mount_path = "/mnt/a" }]
        logging                 = { format = "JSON", application_level = "DEBUG", group = "/shared" }
        snap_start              = "PublishedVersions"
        code_signing_config_arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0"
        reserved_concurrency    = 0
        log_retention_days      = 14
        tags                    = { team = "syrf", gone = null }
      }
    }
    secret_environment = { "preview/pr-123/s3-notifier" = { LEVEL = "trace", PASSWORD = "hunter2" } }
  }

  assert {
    condition = alltrue([for function in [aws_lambda_function.this["preview/pr-123/s3-notifier"]] :
      function.function_name == "notifier-pr-123"
      && function.role == "arn:aws:iam::123456789012:role/lambda-role"
      && function.runtime == "python3.13"
      && function.handler == "app.handler"
      && function.description == "Tells RabbitMQ"
      && function.s3_bucket == "packages"
      && function.s3_key == "a.zip"
      && function.s3_object_version == "v1"
      && function.source_code_hash == "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY="
      && function.memory_size == 10240
      && function.timeout == 900
      && nonsensitive(function.environment[0].variables) == tomap({ LEVEL = "trace", PASSWORD = "hunter2" })
      && function.layers == tolist(["arn:aws:lambda:eu-west-1:123456789012:layer:b:1", "arn:aws:lambda:eu-west-1:123456789012:layer:a:1"])
      && function.architectures == tolist(["arm64"])
      && function.ephemeral_storage[0].size == 10240
      && function.vpc_config[0].subnet_ids == toset(["subnet-1"])
      && function.vpc_config[0].security_group_ids == toset(["sg-1"])
      && function.vpc_config[0].ipv6_allowed_for_dual_stack
      && function.tracing_config[0].mode == "Active"
      && function.dead_letter_config[0].target_arn == "arn:aws:sqs:eu-west-1:123456789012:dead"
      && function.kms_key_arn == "arn:aws:kms:eu-west-1:123456789012:key/1"
      && function.file_system_config[0].local_mount_path == "/mnt/a"
      && function.logging_config[0].log_format == "JSON"
      && function.logging_config[0].application_log_level == "DEBUG"
      && function.logging_config[0].system_log_level == "INFO"
      && function.logging_config[0].log_group == "/shared"
      && function.snap_start[0].apply_on == "PublishedVersions"
      && function.code_signing_config_arn == "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0"
      && function.reserved_concurrent_executions == 0
      && function.tags == tomap({
        "lockstep:project"   = "syrf", "lockstep:target" = "preview/pr-123/s3-notifier", "lockstep:version" = "1.2.3-pr.4", team = "syrf"
        "lockstep:resources" = "codeSigningConfigArn logRetentionDays reservedConcurrency"
      })
    ])
    error_message = "A declared attribute did not arrive."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this["/shared"].retention_in_days == 14 && aws_cloudwatch_log_group.this["/shared"].skip_destroy
    error_message = "The log group is not kept for 14 days."
  }
}

run "an_image_is_code_too" {
  command = plan

  variables {
    functions = {
      "staging/thumbs" = {
        function_name = "thumbs"
        role          = "lambda-role"
        code          = { image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/thumbs:1.0" }
        image_config  = { command = ["app.handler"], working_directory = "/srv" }
      }
    }
  }

  assert {
    condition = alltrue([for function in [aws_lambda_function.this["staging/thumbs"]] :
      function.package_type == "Image"
      && function.image_uri == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/thumbs:1.0"
      && function.image_config[0].command == tolist(["app.handler"])
      && function.image_config[0].working_directory == "/srv"
      && function.runtime == null && function.s3_bucket == null
    ])
    error_message = "The image does not arrive."
  }
}

run "another_text_deploys_the_same_package_again" {
  command = plan

  variables {
    functions = {
      "staging/s3-notifier" = {
        function_name = "notifier-staging"
        role          = "lambda-role"
        runtime       = "dotnet8"
        handler       = "Handler"
        code = {
          bucket           = "packages", key = "a.zip", redeploy = "2026-11-24"
          source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY="
        }
      }
    }
  }

  assert {
    condition     = aws_lambda_function.this["staging/s3-notifier"].source_code_hash == "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY= 2026-11-24"
    error_message = "The provider would see no difference."
  }
  assert {
    condition     = output.functions["staging/s3-notifier"].source_code_hash == "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY="
    error_message = "The output is not the package's hash."
  }
}

run "an_alias_with_a_rollout_is_one_that_terraform_leaves_alone" {
  command = plan

  variables {
    functions = {
      "staging/s3-notifier" = {
        function_name = "notifier-staging"
        version       = "0.1.6"
        role          = "lambda-role"
        runtime       = "dotnet8"
        handler       = "Handler"
        code          = { bucket = "packages", key = "a.zip", source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY=" }
        alias         = "live"
        rollout       = true
        triggers      = [{ bucket = "uploads", prefix = "staging/" }]
      }
    }
  }

  assert {
    condition = alltrue([
      aws_lambda_function.this["staging/s3-notifier"].publish,
      length(aws_lambda_alias.this) == 0,
      aws_lambda_alias.rolled["staging/s3-notifier"].name == "live",
      aws_lambda_alias.rolled["staging/s3-notifier"].description == "lockstep syrf staging/s3-notifier 0.1.6",
      aws_lambda_permission.s3["staging/s3-notifier:uploads"].qualifier == "live",
    ])
    error_message = "The alias is Terraform's, or something goes past it."
  }
}

run "an_alias_is_what_is_called" {
  command = plan

  variables {
    functions = {
      "staging/s3-notifier" = {
        function_name = "notifier-staging"
        version       = "0.1.6"
        role          = "lambda-role"
        runtime       = "dotnet8"
        handler       = "Handler"
        code          = { bucket = "packages", key = "a.zip", source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY=" }
        alias         = "live"
        async_invoke  = { maximum_retry_attempts = 0 }
        url           = { auth_type = "AWS_IAM" }
        triggers      = [{ bucket = "uploads", prefix = "staging/" }]
      }
    }
  }

  assert {
    condition = alltrue([
      aws_lambda_function.this["staging/s3-notifier"].publish,
      aws_lambda_function.this["staging/s3-notifier"].tags["lockstep:alias"] == "live",
      !contains(keys(aws_lambda_function.this["staging/s3-notifier"].tags), "lockstep:version"),
      aws_lambda_alias.this["staging/s3-notifier"].name == "live",
      aws_lambda_alias.this["staging/s3-notifier"].description == "lockstep syrf staging/s3-notifier 0.1.6",
      aws_lambda_permission.s3["staging/s3-notifier:uploads"].qualifier == "live",
      aws_lambda_function_event_invoke_config.this["staging/s3-notifier"].qualifier == "live",
      aws_lambda_function_url.this["staging/s3-notifier"].qualifier == "live",
      output.notifications["uploads"][0].arn == "arn:aws:lambda:eu-west-1:123456789012:function:notifier-staging:live",
      output.notifications["uploads"][0].id == "lockstep-syrf.staging.s3-notifier.16f228b51535",
      output.statement_ids["staging/s3-notifier:uploads"] == "lockstep-582d2100666d912a",
    ])
    error_message = "Something goes past the alias."
  }
}
