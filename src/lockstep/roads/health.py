"""How Argo CD and Flux see whether ACK's and tofu-controller's objects are well.

Argo CD 3.5.1 has no check for either kind: without these scripts every object counts as healthy at once.
Sources: ACK's runtime (conditions ``Ready`` since 0.54, ``ACK.ResourceSynced`` before, ``ACK.Terminal``,
``ACK.Recoverable``); tofu-controller's API (``Ready``, ``plan.pending``, ``observedGeneration``); Argo CD's
documentation, "Resource Health"; Flux's of ``healthCheckExprs``.
"""

from collections.abc import Mapping

__all__ = ["ACK_EXPRESSIONS", "ACK_KINDS", "ACK_LUA", "TERRAFORM_LUA", "customizations"]

ACK_LUA = """\
local function said(wanted)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, condition in ipairs(obj.status.conditions) do
      if condition.type == wanted then
        return condition
      end
    end
  end
  return nil
end
local terminal = said("ACK.Terminal")
if terminal ~= nil and terminal.status == "True" then
  return {status = "Degraded", message = terminal.message or "the controller has given up"}
end
local recoverable = said("ACK.Recoverable")
if recoverable ~= nil and recoverable.status == "True" then
  return {status = "Progressing", message = recoverable.message or "the controller tries again"}
end
local ready = said("Ready") or said("ACK.ResourceSynced")
if ready ~= nil and ready.status == "True" then
  return {status = "Healthy", message = ready.message or ""}
end
return {status = "Progressing", message = (ready or {}).message or "waiting for the controller"}
"""

TERRAFORM_LUA = """\
if obj.spec ~= nil and obj.spec.suspend == true then
  return {status = "Suspended", message = "suspended"}
end
if obj.status == nil or obj.status.conditions == nil then
  return {status = "Progressing", message = "waiting for the controller"}
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet since it was changed"}
end
local approved = obj.spec ~= nil and obj.spec.approvePlan == "auto"
if obj.status.plan ~= nil and (obj.status.plan.pending or "") ~= "" and not approved then
  return {status = "Suspended", message = obj.status.plan.pending .. " waits for its approval"}
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    if condition.status == "True" then
      return {status = "Healthy", message = condition.message or ""}
    end
    if condition.status == "False" then
      return {status = "Degraded", message = condition.message or ""}
    end
    return {status = "Progressing", message = condition.message or ""}
  end
end
return {status = "Progressing", message = "waiting for the controller"}
"""

ACK_KINDS: Mapping[str, tuple[str, ...]] = {
    "lambda.services.k8s.aws": ("Function", "Alias", "Version", "EventSourceMapping", "FunctionURLConfig"),
    "s3.services.k8s.aws": ("Bucket",),
}
"""Kinds that the road ack makes, by their group."""

ACK_EXPRESSIONS: Mapping[str, str] = {
    "current": "status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
    "failed": "status.conditions.exists(c, c.type == 'ACK.Terminal' && c.status == 'True')",
}
"""``healthCheckExprs`` of a Kustomization of Flux's, for each of these kinds."""


def customizations() -> dict[str, str]:
    """Entries of ``argocd-cm``, by their keys."""
    scripts = {f"{group}_{kind}": ACK_LUA for group, kinds in ACK_KINDS.items() for kind in kinds}
    scripts["infra.contrib.fluxcd.io_Terraform"] = TERRAFORM_LUA
    return {f"resource.customizations.health.{name}": script for name, script in scripts.items()}
