"""A forge on a plain Git server: pull requests, releases and the rest are kept in refs of the repository.

    refs/lockstep/pulls             pull requests, issues, their comments; required checks
    refs/lockstep/statuses          commit statuses
    refs/lockstep/deployments       deployments by environment
    refs/lockstep/releases/TAG      what a release is
    refs/lockstep/assets/SHA256     the bytes of an asset

Law: no server of its own, no state but these refs. Each change is one push that moves everything it
concerns together, or nothing; whoever comes too late looks again. So it may be killed anywhere.
"""

from lockstep.forge.local.forge import LocalForge

__all__ = ["LocalForge"]
