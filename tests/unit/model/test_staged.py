"""What S3 says of a staged object."""

import pytest

from lockstep.model.staged import checksum_for, digest_of

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
FULL = checksum_for(HEX)


@pytest.mark.parametrize(
    ("head", "digest"),
    [
        ({"ChecksumSHA256": FULL, "ChecksumType": "FULL_OBJECT"}, HEX),
        ({"ChecksumSHA256": FULL}, HEX),  # from before S3 told the type
        ({"ChecksumSHA256": f"{FULL}-2"}, None),
        ({"ChecksumSHA256": FULL, "ChecksumType": "COMPOSITE"}, None),
        ({"Metadata": {"lockstep-sha256": HEX}}, None),
        ({}, None),
    ],
)
def test_only_a_checksum_of_the_whole_object_is_its_digest(
    head: dict[str, object], digest: str | None
) -> None:
    """A checksum of parts is none, and what metadata say is not believed."""
    assert digest_of(head) == digest
