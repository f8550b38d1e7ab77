"""Why what Terraform plans leaves differences, and what ends them."""

from collections.abc import Sequence

from lockstep.model import Change

__all__ = ["way_out"]


def way_out(changes: Sequence[Change], folder: str, *, is_refreshed: bool) -> str:
    """Why what Terraform plans leaves differences, and what ends them.

    ``is_refreshed``: Terraform has asked AWS, and not only its state.
    """
    paths = [change.path for change in changes]
    if not is_refreshed:
        return (
            f"{', '.join(paths)} not as declared, which Terraform's state does not show\n"
            "  fix: see with lockstep plan what Terraform would do about it"
        )
    if "function" in paths:
        return (
            f"there is no function {changes[0].new}, and Terraform makes none from {folder}\n"
            "  fix: let the folder name it so, or declare the name that it has there"
        )
    if "code" in paths:
        return (
            f"it runs another package than is declared, and Terraform does not deploy it from {folder}\n"
            "  fix: let the folder set source_code_hash from what is passed; what somebody deployed by hand "
            "goes with another version, or with terraform apply -replace"
        )
    if "alias" in paths:
        return (
            "the alias does not call what is declared, and Terraform would leave it so, from "
            f"{folder}\n  fix: let the folder call the module lambda-fleet as this version of Lockstep has "
            "it, or look who moved the alias"
        )
    return (
        f"{', '.join(paths)} not as declared, and Terraform would leave it so, from {folder}\n"
        "  fix: pass it with `variables:`, change it in the folder, or take it out of the declaration"
    )
