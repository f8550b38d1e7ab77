output "functions" {
  description = "The functions by target: name, ARN, what runs, and who logs where."
  value = {
    for key, function in aws_lambda_function.this : key => {
      name             = function.function_name
      arn              = function.arn
      version          = var.functions[key].version
      commit           = var.functions[key].commit
      alias            = var.functions[key].alias
      published        = function.version # what the alias points at, or is to be moved to; $LATEST without one
      source_code_hash = var.functions[key].code.source_code_hash
      redeploy         = var.functions[key].code.redeploy
      code_sha256      = function.code_sha256 # what AWS says it runs
      image            = var.functions[key].code.image
      last_modified    = function.last_modified
      log_group        = local.log_groups[key]
    }
  }

  precondition {
    condition     = length(setsubtract(nonsensitive(keys(var.secret_environment)), keys(var.functions))) == 0
    error_message = "secret_environment has values for ${join(", ", setsubtract(nonsensitive(keys(var.secret_environment)), keys(var.functions)))}, which `functions` does not have; its keys are targets such as \"staging/s3-notifier\"."
  }
}

output "notifications" {
  description = "The Lambda entries of each bucket, by bucket: id, function, events and filter, in order."
  value       = local.lambda_entries
}

output "statement_ids" {
  description = "Ids of the statements that let a bucket call a function, by target and bucket (\"staging/s3-notifier:uploads\")."
  value       = { for key, permission in aws_lambda_permission.s3 : key => permission.statement_id }
}
