"""What S3 says of a staged object."""

import pytest

from lockstep.model.staged import checksum_for, digest_of, metadata_for, releases_of

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


def test_a_package_says_which_releases_it_is() -> None:
    """Each once, in the order in which they came; an object of somebody else's says nothing."""
    metadata = metadata_for(["web@1.0.0", "web@1.0.1", "web@1.0.0"])
    assert releases_of({"Metadata": metadata}) == ("web@1.0.0", "web@1.0.1")
    assert releases_of({}) == releases_of({"Metadata": {"other": "web@1.0.0"}}) == ()
    assert metadata_for([]) == {}


def test_of_very_many_releases_the_newest_are_said() -> None:
    """S3 takes 2 KB of metadata."""
    metadata = metadata_for(f"service@1.0.{number}" for number in range(1000))
    assert sum(len(key) + len(value) for key, value in metadata.items()) < 2048
    assert releases_of({"Metadata": metadata})[-1] == "service@1.0.999"
