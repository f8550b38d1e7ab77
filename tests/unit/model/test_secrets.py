"""Which environment variables are masked."""

import re

import pytest

from lockstep.model import looks_secret

SECRET_NAMES = re.findall(
    r"\w+",
    """
    PASSWORD DB_PASSWORD DbPassword RabbitMqPassword PasswordHash PGPASSWORD MYSQL_PWD DB_PASS dbPass PASSWD
    PASSPHRASE SECRET ClientSecret JWT_SECRET SECRETS_JSON GITHUB_TOKEN AccessToken API_TOKENS SASToken
    API_KEY ApiKey APIKey apikey AWS_ACCESS_KEY_ID SharedAccessKey PRIVATE_KEY SIGNING_KEY EncryptionKey
    MASTER_KEY
    HMAC_KEY SSH_KEY ACCOUNT_KEY LICENSE_KEY WEBHOOK_KEY CREDENTIALS GoogleCredential
    ConnectionStrings__Default MongoConnectionString CONN_STR SENTRY_DSN DSN BASIC_AUTH DOCKER_AUTH_CONFIG
    AUTHORIZATION AUTH_HEADER
    """,
)
PLAIN_NAMES = re.findall(
    r"\w+",
    """
    KEYSPACE SHARED_KEYSPACE AUTHOR AUTHORS AuthorName AUTHORITY TOKENIZER_PATH TokenizerModel TOKENIZATION
    COMPASS_URL BYPASS_CACHE PASSENGER_SERVICE PassThrough TRESPASSING S3_KEY KEY_PREFIX PARTITION_KEY MONKEY
    KEYS_TABLE RabbitMqHost LOG_LEVEL STAGE DSNAME FORWARD_TO URL MEMORY_MB AWS_LAMBDA_EXEC_WRAPPER
    """,
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_that_hold_secrets_are_masked(name: str) -> None:
    """Passwords, tokens, keys, credentials and connection strings, in any spelling."""
    assert looks_secret(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_names_that_only_sound_alike_are_shown(name: str) -> None:
    """A word that contains another word is another word."""
    assert not looks_secret(name)


@pytest.mark.parametrize(
    "value",
    [
        "amqp://user:hunter2@rabbit:5672/",
        "postgres://:hunter2@db/x",
        "Server=db;User Id=app;Password=hunter2",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdefghij0123456789",
        "glpat-abcdefghij",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)
def test_values_that_are_secrets_are_masked_under_any_name(value: str) -> None:
    """A password in a URL is one, whatever its variable is called."""
    assert looks_secret("PLAIN", value)


@pytest.mark.parametrize(
    "value",
    [
        "https://example.org/path",
        "amqp://rabbit:5672/",
        "s3://bucket/key",
        "user@example.org",
        "Password=",
        "512",
        "",
    ],
)
def test_plain_values_are_shown(value: str) -> None:
    """A URL with a port, an address, a number."""
    assert not looks_secret("PLAIN", value)
