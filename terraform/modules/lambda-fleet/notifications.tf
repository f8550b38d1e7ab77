# Bucket notifications. S3 knows only the whole configuration of a bucket, so there is one resource for
# each bucket, with the entries of all environments and previews, and those of others.

locals {
  own_entries = flatten([
    for key, function in var.functions : [
      for trigger in function.triggers : {
        bucket = trigger.bucket
        owner  = key
        arn    = local.called[key]
        events = sort(distinct(trigger.events))
        prefix = trigger.prefix
        suffix = trigger.suffix
        # As Lockstep's aws engine makes it (lockstep.planning.notifications.entry_for): whose it is, and
        # a hash of the content. In the target a slash is written as a dot and a dot as two.
        id = format("lockstep-%s.%s.%s", var.project, replace(replace(key, ".", ".."), "/", "."), substr(sha256(format(
          "[\"%s\", \"%s\", \"%s\", [%s]]", local.called[key], trigger.prefix, trigger.suffix,
          join(", ", [for event in sort(distinct(trigger.events)) : "\"${event}\""]),
        )), 0, 12))
      }
    ]
  ])

  notified_buckets = toset(concat(local.own_entries[*].bucket, keys(var.foreign_notifications)))

  own     = { for bucket in local.notified_buckets : bucket => [for entry in local.own_entries : entry if entry.bucket == bucket] }
  foreign = { for bucket in local.notified_buckets : bucket => lookup(var.foreign_notifications, bucket, null) }

  # Foreign entries keep their order and ours follow by id, unless `notification_order` says otherwise.
  # The keys are made to sort so: place in notification_order, foreign or ours, place or id.
  lambda_entries = {
    for bucket in local.notified_buckets : bucket => values(merge(
      {
        for place, entry in local.foreign[bucket] == null ? [] : local.foreign[bucket].lambda_functions :
        format("%06d 0 %06d", try(index(var.notification_order[bucket], entry.id), 999999), place) => {
          id     = entry.id, arn = entry.lambda_function_arn, events = entry.events
          prefix = entry.filter_prefix, suffix = entry.filter_suffix
        }
      },
      {
        for entry in local.own[bucket] :
        format("%06d 1 %s", try(index(var.notification_order[bucket], entry.id), 999999), entry.id) => {
          id     = entry.id, arn = entry.arn, events = entry.events
          prefix = entry.prefix == "" ? null : entry.prefix, suffix = entry.suffix == "" ? null : entry.suffix
        }
      },
    ))
  }
}

resource "aws_s3_bucket_notification" "this" {
  for_each = local.notified_buckets

  bucket      = each.key
  eventbridge = local.foreign[each.key] == null ? false : local.foreign[each.key].eventbridge

  dynamic "lambda_function" {
    for_each = local.lambda_entries[each.key]
    content {
      id                  = lambda_function.value.id
      lambda_function_arn = lambda_function.value.arn
      events              = lambda_function.value.events
      filter_prefix       = lambda_function.value.prefix
      filter_suffix       = lambda_function.value.suffix
    }
  }

  dynamic "queue" {
    for_each = local.foreign[each.key] == null ? [] : local.foreign[each.key].queues
    content {
      id            = queue.value.id
      queue_arn     = queue.value.queue_arn
      events        = queue.value.events
      filter_prefix = queue.value.filter_prefix
      filter_suffix = queue.value.filter_suffix
    }
  }

  dynamic "topic" {
    for_each = local.foreign[each.key] == null ? [] : local.foreign[each.key].topics
    content {
      id            = topic.value.id
      topic_arn     = topic.value.topic_arn
      events        = topic.value.events
      filter_prefix = topic.value.filter_prefix
      filter_suffix = topic.value.filter_suffix
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.overlaps[each.key]) == 0
      error_message = "S3 would refuse the notifications of ${each.key}; for one event the prefixes and suffixes of two entries may not overlap:\n${join("\n", local.overlaps[each.key])}\nChoose prefixes that do not contain each other."
    }
  }

  # S3 asks whether it may call a function before it takes an entry for it.
  depends_on = [aws_lambda_permission.s3]
}

# Which entries S3 would refuse together: they share an event (a wildcard stands for its family), one's
# prefix begins the other's and one's suffix ends the other's. Entries are looked up by every beginning of
# a prefix rather than compared each with each, so that a thousand of them take no time.
locals {
  filters = {
    for bucket in local.notified_buckets : bucket => [
      for place, entry in concat(
        [for entry in local.own[bucket] : {
          name   = entry.owner
          events = entry.events, prefix = entry.prefix, suffix = entry.suffix
        }],
        local.foreign[bucket] == null ? [] : [
          for entry in concat(
            [for entry in local.foreign[bucket].lambda_functions : merge(entry, { arn = entry.lambda_function_arn })],
            [for entry in local.foreign[bucket].queues : merge(entry, { arn = entry.queue_arn })],
            [for entry in local.foreign[bucket].topics : merge(entry, { arn = entry.topic_arn })],
            ) : {
            name   = "the foreign entry ${entry.id == null ? "for ${entry.arn}" : entry.id}"
            events = entry.events
            prefix = entry.filter_prefix == null ? "" : entry.filter_prefix
            suffix = entry.filter_suffix == null ? "" : entry.filter_suffix
          }
        ],
      ) : merge(entry, { place = place })
    ]
  }
  filters_by_prefix = {
    for bucket, entries in local.filters : bucket => { for entry in entries : entry.prefix => entry... }
  }
  overlaps = {
    for bucket, entries in local.filters : bucket => flatten([
      for one in entries : [
        for length in range(length(one.prefix) + 1) : [
          for other in try(local.filters_by_prefix[bucket][substr(one.prefix, 0, length)], []) :
          "${other.name} (${other.prefix}*${other.suffix}) and ${one.name} (${one.prefix}*${one.suffix})"
          if(other.prefix != one.prefix || other.place < one.place)
          && (endswith(one.suffix, other.suffix) || endswith(other.suffix, one.suffix))
          && anytrue([
            for pair in setproduct(one.events, other.events) : pair[0] == pair[1]
            || (endswith(pair[0], "*") && startswith(pair[1], trimsuffix(pair[0], "*")))
            || (endswith(pair[1], "*") && startswith(pair[0], trimsuffix(pair[1], "*")))
          ])
        ]
      ]
    ])
  }
}
