"""One PostgreSQL for all tests here, and an empty database for each."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import Cluster, postgres_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The PostgreSQL; a test that ends it starts it again."""
    with postgres_cluster() as cluster:
        yield cluster


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """The URL of an empty database."""
    url = cluster.new()
    yield url
    cluster.drop(url)
