# Who may call, and one configuration for each bucket. The ids are those of Lockstep's aws engine.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  project = "syrf"
  functions = {
    "production/s3-notifier" = {
      function_name = "notifier"
      version       = "1.0.0"
      role          = "lambda-role"
      runtime       = "dotnet8"
      handler       = "Handler"
      code          = { bucket = "packages", key = "a.zip", source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY=" }
      triggers      = [{ bucket = "uploads", prefix = "Projects/" }]
    }
    "preview/pr-123/s3.notifier" = {
      function_name = "notifier-pr-123"
      role          = "lambda-role"
      runtime       = "dotnet8"
      handler       = "Handler"
      code          = { bucket = "packages", key = "b.zip", source_code_hash = "noG1g8uJVjoeKQII5TG3gBKprFA4vdceBjDnbQx2NvY=" }
      triggers = [
        { bucket = "uploads", prefix = "preview/pr-123/", suffix = ".csv", events = ["s3:ObjectRemoved:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Put"] },
        { bucket = "uploads", prefix = "preview/pr-123/", suffix = ".pdf" },
        { bucket = "archive" },
      ]
    }
  }
}

run "ids_are_those_of_the_aws_engine" {
  command = plan

  assert {
    condition = output.statement_ids == {
      "production/s3-notifier:uploads"     = "lockstep-86316097925431c9"
      "preview/pr-123/s3.notifier:uploads" = "lockstep-86316097925431c9"
      "preview/pr-123/s3.notifier:archive" = "lockstep-c40403d6c6865ad0"
    }
    error_message = "Statement ids differ: ${jsonencode(output.statement_ids)}"
  }
  assert {
    condition = jsonencode({ for bucket, entries in output.notifications : bucket => entries[*].id }) == jsonencode({
      uploads = ["lockstep-syrf.preview.pr-123.s3..notifier.0bf6af625d61", "lockstep-syrf.preview.pr-123.s3..notifier.cd8949ce83f5", "lockstep-syrf.production.s3-notifier.2585e0317a0e"]
      archive = ["lockstep-syrf.preview.pr-123.s3..notifier.38638bb172ad"]
    })
    error_message = "Entry ids differ: ${jsonencode(output.notifications)}"
  }
}

run "s3_may_call_from_that_bucket_of_that_account" {
  command = plan

  assert {
    condition = alltrue([for permission in [aws_lambda_permission.s3["production/s3-notifier:uploads"]] :
      permission.function_name == "notifier"
      && permission.principal == "s3.amazonaws.com"
      && permission.action == "lambda:InvokeFunction"
      && permission.source_arn == "arn:aws:s3:::uploads"
      && permission.source_account == "123456789012"
    ])
    error_message = "The permission is too wide or too narrow."
  }
  assert {
    condition     = aws_lambda_function.this["preview/pr-123/s3.notifier"].tags["lockstep:buckets"] == "archive uploads"
    error_message = "The tags do not remember the buckets."
  }
}

run "all_environments_share_one_resource_for_a_bucket" {
  command = plan

  assert {
    condition     = keys(aws_s3_bucket_notification.this) == ["archive", "uploads"]
    error_message = "There is not one resource for each bucket."
  }
  assert {
    condition = jsonencode([for entry in aws_s3_bucket_notification.this["uploads"].lambda_function : [entry.lambda_function_arn, entry.filter_prefix, entry.filter_suffix, entry.events]]) == jsonencode([
      ["arn:aws:lambda:eu-west-1:123456789012:function:notifier-pr-123", "preview/pr-123/", ".pdf", ["s3:ObjectCreated:*"]],
      ["arn:aws:lambda:eu-west-1:123456789012:function:notifier-pr-123", "preview/pr-123/", ".csv", ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"]],
      ["arn:aws:lambda:eu-west-1:123456789012:function:notifier", "Projects/", null, ["s3:ObjectCreated:*"]],
    ])
    error_message = "Entries differ: ${jsonencode(aws_s3_bucket_notification.this["uploads"].lambda_function)}"
  }
  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket_notification.this) : !bucket.eventbridge && length(bucket.queue) + length(bucket.topic) == 0])
    error_message = "Something was added that nobody declared."
  }
}

run "entries_of_others_are_carried" {
  command = plan

  variables {
    foreign_notifications = {
      uploads = {
        eventbridge      = true
        lambda_functions = [{ id = "theirs", lambda_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:theirs", events = ["s3:ObjectCreated:*"], filter_prefix = "theirs/" }]
        queues           = [{ queue_arn = "arn:aws:sqs:eu-west-1:123456789012:queue", events = ["s3:ObjectRemoved:*"] }]
        topics           = [{ id = "topic", topic_arn = "arn:aws:sns:eu-west-1:123456789012:topic", events = ["s3:ObjectRestore:*"], filter_suffix = ".zip" }]
      }
      only-theirs = { eventbridge = true }
    }
    functions = { "production/s3-notifier" = var.functions["production/s3-notifier"] }
  }

  assert {
    condition     = jsonencode(aws_s3_bucket_notification.this["uploads"].lambda_function[*].id) == jsonencode(["theirs", "lockstep-syrf.production.s3-notifier.2585e0317a0e"])
    error_message = "Foreign entries do not come first, as they were."
  }
  assert {
    condition = alltrue([for bucket in [aws_s3_bucket_notification.this["uploads"]] :
      bucket.eventbridge
      && bucket.queue[0].queue_arn == "arn:aws:sqs:eu-west-1:123456789012:queue" && bucket.queue[0].filter_prefix == null
      && bucket.topic[0].id == "topic" && bucket.topic[0].filter_suffix == ".zip"
    ])
    error_message = "A foreign entry is lost."
  }
  assert {
    condition     = aws_s3_bucket_notification.this["only-theirs"].eventbridge
    error_message = "A bucket without triggers lost what others have there."
  }
}

run "the_order_that_a_bucket_has_can_be_kept" {
  command = plan

  variables {
    functions = { "production/s3-notifier" = var.functions["production/s3-notifier"] }
    foreign_notifications = {
      uploads = {
        lambda_functions = [for name in ["b", "a"] : { id = name, lambda_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:${name}", events = ["s3:ObjectCreated:*"], filter_prefix = "${name}/" }]
      }
    }
    notification_order = { uploads = ["gone", "lockstep-syrf.production.s3-notifier.2585e0317a0e", "a"] }
  }

  assert {
    condition     = jsonencode(output.notifications["uploads"][*].id) == jsonencode(["lockstep-syrf.production.s3-notifier.2585e0317a0e", "a", "b"])
    error_message = "The order is not kept: ${jsonencode(output.notifications["uploads"][*].id)}"
  }
}

run "a_prefix_within_another_s_is_refused" {
  command = plan

  variables {
    functions = merge(var.functions, {
      "staging/s3-notifier" = merge(var.functions["production/s3-notifier"], {
        function_name = "notifier-staging"
        triggers      = [{ bucket = "uploads", prefix = "Projects/staging/", events = ["s3:ObjectCreated:Put"] }]
      })
    })
  }

  expect_failures = [aws_s3_bucket_notification.this]

  assert {
    condition     = local.overlaps["uploads"] == ["production/s3-notifier (Projects/*) and staging/s3-notifier (Projects/staging/*)"]
    error_message = jsonencode(local.overlaps)
  }
}

run "only_a_shared_event_prefix_and_suffix_together_overlap" {
  command = plan

  variables {
    functions = {
      for name, trigger in {
        a = { prefix = "a/" }
        b = { prefix = "b/" }
        c = { prefix = "c/", suffix = ".csv" }
        d = { prefix = "c/d/", suffix = ".pdf" }
        e = { prefix = "a/", events = ["s3:ObjectRemoved:*"] }
        f = { prefix = "b/f/", events = ["s3:ObjectRemoved:Delete", "s3:ObjectRestore:*"] }
      } : "staging/${name}" => merge(var.functions["production/s3-notifier"], { function_name = name, triggers = [merge({ bucket = "uploads" }, trigger)] })
    }
  }

  assert {
    condition     = local.overlaps["uploads"] == []
    error_message = jsonencode(local.overlaps)
  }
}

run "an_entry_of_others_can_be_in_the_way" {
  command = plan

  variables {
    foreign_notifications = { uploads = { queues = [{ queue_arn = "arn:aws:sqs:eu-west-1:123456789012:queue", events = ["s3:ObjectCreated:CompleteMultipartUpload"], filter_suffix = ".pdf" }] } }
  }

  expect_failures = [aws_s3_bucket_notification.this]

  assert {
    condition = local.overlaps["uploads"] == [
      "the foreign entry for arn:aws:sqs:eu-west-1:123456789012:queue (*.pdf) and preview/pr-123/s3.notifier (preview/pr-123/*.pdf)",
      "the foreign entry for arn:aws:sqs:eu-west-1:123456789012:queue (*.pdf) and production/s3-notifier (Projects/*)",
    ]
    error_message = jsonencode(local.overlaps)
  }
}
