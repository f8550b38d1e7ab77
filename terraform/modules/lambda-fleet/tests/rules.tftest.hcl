# What is refused, before anything is created, and in which words.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  project      = "syrf"
  environments = ["staging", "preview"]
}

run "cases" {
  command = plan

  module {
    source = "./tests/cases"
  }
}

run "each_wrong_function_is_refused_for_what_is_wrong_with_it" {
  command = plan

  variables {
    functions = run.cases.functions
  }

  expect_failures = [aws_lambda_function.this]

  assert {
    condition     = length(local.problems["staging/good"]) == 0
    error_message = "A good function is refused: ${join("; ", local.problems["staging/good"])}"
  }
  assert {
    condition = alltrue([for key, text in run.cases.says : length(local.problems[key]) == 1 && strcontains(try(local.problems[key][0], ""), text)])
    error_message = join("\n", [
      for key, text in run.cases.says : "${key}: wanted '${text}', got '${join("' and '", local.problems[key])}'"
      if !(length(local.problems[key]) == 1 && strcontains(try(local.problems[key][0], ""), text))
    ])
  }
}

run "a_target_s_key_is_environment_and_service" {
  command = plan

  variables {
    functions = { "notifier" = run.cases.functions["staging/good"] }
  }

  expect_failures = [var.functions]
}

run "two_targets_cannot_share_a_function" {
  command = plan

  variables {
    functions = {
      "staging/one" = run.cases.functions["staging/good"]
      "staging/two" = run.cases.functions["staging/good"]
    }
  }

  expect_failures = [var.functions]
}

run "the_project_s_name_goes_into_ids" {
  command = plan

  variables {
    project   = "SyRF.org"
    functions = {}
  }

  expect_failures = [var.project]
}

run "secrets_of_no_function_are_a_mistake" {
  command = plan

  variables {
    functions          = { "staging/good" = run.cases.functions["staging/good"] }
    secret_environment = { "staging/god" = { PASSWORD = "x" } }
  }

  expect_failures = [output.functions]
}

run "functions_that_share_a_log_group_keep_it_equally_long" {
  command = plan

  variables {
    functions = {
      "staging/one" = merge(run.cases.functions["staging/good"], { function_name = "one", logging = { group = "/shared" }, log_retention_days = 7 })
      "staging/two" = merge(run.cases.functions["staging/good"], { function_name = "two", logging = { group = "/shared" }, log_retention_days = 14 })
    }
  }

  expect_failures = [aws_cloudwatch_log_group.this]
}
