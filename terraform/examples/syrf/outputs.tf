output "functions" {
  description = "The functions by target: name, version and the hash of the code that AWS says it runs."
  value = merge(
    {
      "production/s3-notifier" = {
        name        = aws_lambda_function.production.function_name
        arn         = aws_lambda_function.production.arn
        version     = var.production_version
        commit      = var.production_commit_sha
        code_sha256 = aws_lambda_function.production.code_sha256
      }
      "staging/s3-notifier" = {
        name        = aws_lambda_function.staging.function_name
        arn         = aws_lambda_function.staging.arn
        version     = var.staging_version
        commit      = var.staging_commit_sha
        code_sha256 = aws_lambda_function.staging.code_sha256
      }
    },
    {
      for number, function in aws_lambda_function.preview : "preview/pr-${number}/s3-notifier" => {
        name        = function.function_name
        arn         = function.arn
        version     = lookup(var.preview_versions, number, "")
        commit      = lookup(var.preview_commit_shas, number, "")
        code_sha256 = function.code_sha256
      }
    },
  )
}
