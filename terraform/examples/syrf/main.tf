# One function in production, staging and in each preview, all called by one bucket.

locals {
  name = "syrfAppUploadS3Notifier"
}

data "aws_caller_identity" "current" {}

resource "aws_lambda_function" "production" {
  function_name    = local.name
  description      = "Tells RabbitMQ about files that are uploaded to S3."
  role             = var.role_arn
  runtime          = var.runtime
  handler          = var.handler
  memory_size      = 512
  timeout          = 30
  s3_bucket        = var.packages_bucket
  s3_key           = "lambda-packages/production.zip"
  source_code_hash = var.production_source_code_hash

  environment {
    variables = { RabbitMqHost = var.production_rabbitmq_host }
  }

  tags = { environment = "production", version = var.production_version, commit = var.production_commit_sha }
}

resource "aws_lambda_function" "staging" {
  function_name    = "${local.name}-staging"
  description      = "Tells RabbitMQ about files that are uploaded to S3."
  role             = var.role_arn
  runtime          = var.runtime
  handler          = var.handler
  memory_size      = 512
  timeout          = 30
  s3_bucket        = var.packages_bucket
  s3_key           = "lambda-packages/staging.zip"
  source_code_hash = var.staging_source_code_hash

  environment {
    variables = { RabbitMqHost = var.staging_rabbitmq_host }
  }

  tags = { environment = "staging", version = var.staging_version, commit = var.staging_commit_sha }
}

resource "aws_lambda_function" "preview" {
  for_each = var.preview_prs

  function_name    = "${local.name}-pr-${each.key}"
  description      = "Tells RabbitMQ about files that are uploaded to S3."
  role             = var.role_arn
  runtime          = var.runtime
  handler          = var.handler
  memory_size      = 512
  timeout          = 30
  s3_bucket        = var.packages_bucket
  s3_key           = "lambda-packages/pr-${each.key}.zip"
  source_code_hash = lookup(var.preview_source_code_hashes, each.key, null)

  environment {
    variables = { RabbitMqHost = lookup(var.preview_rabbitmq_hosts, each.key, "") }
  }

  tags = {
    environment = "preview/pr-${each.key}"
    version     = lookup(var.preview_versions, each.key, "")
    commit      = lookup(var.preview_commit_shas, each.key, "")
  }
}

resource "aws_lambda_permission" "production_s3" {
  statement_id   = "AllowExecutionFromS3"
  function_name  = aws_lambda_function.production.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::${var.uploads_bucket}"
  source_account = data.aws_caller_identity.current.account_id
}

resource "aws_lambda_permission" "staging_s3" {
  statement_id   = "AllowExecutionFromS3"
  function_name  = aws_lambda_function.staging.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::${var.uploads_bucket}"
  source_account = data.aws_caller_identity.current.account_id
}

resource "aws_lambda_permission" "preview_s3" {
  for_each = var.preview_prs

  statement_id   = "AllowExecutionFromS3"
  function_name  = aws_lambda_function.preview[each.key].function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::${var.uploads_bucket}"
  source_account = data.aws_caller_identity.current.account_id
}

# One for all environments: S3 knows only the whole configuration of a bucket.
resource "aws_s3_bucket_notification" "bucket_notification" {
  bucket = var.uploads_bucket

  lambda_function {
    id                  = "production"
    lambda_function_arn = aws_lambda_function.production.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "Projects/"
  }

  lambda_function {
    id                  = "staging"
    lambda_function_arn = aws_lambda_function.staging.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "staging/"
  }

  dynamic "lambda_function" {
    for_each = aws_lambda_function.preview
    content {
      id                  = "pr-${lambda_function.key}"
      lambda_function_arn = lambda_function.value.arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = "preview/pr-${lambda_function.key}/"
    }
  }

  # S3 asks whether it may call a function before it takes an entry for it.
  depends_on = [
    aws_lambda_permission.production_s3,
    aws_lambda_permission.staging_s3,
    aws_lambda_permission.preview_s3,
  ]
}
