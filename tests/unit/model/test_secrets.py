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
    AUTHORIZATION AUTH_HEADER SALT HASH_SALT passwordSalt SESSION SESSION_ID sessionId COOKIE COOKIES PIN
    CARD_PIN PIN_CODE OTP TOTP PRIVATE ENCRYPTION SIGNATURE PEPPER
    """,
)
PLAIN_NAMES = re.findall(
    r"\w+",
    """
    KEYSPACE SHARED_KEYSPACE AUTHOR AUTHORS AuthorName AUTHORITY TOKENIZER_PATH TokenizerModel TOKENIZATION
    COMPASS_URL BYPASS_CACHE PASSENGER_SERVICE PassThrough TRESPASSING S3_KEY KEY_PREFIX PARTITION_KEY MONKEY
    SESSION_TIMEOUT SESSION_TABLE_NAME COOKIE_DOMAIN COOKIE_MAX_AGE PRIVATE_SUBNET_IDS ENCRYPTION_ALGORITHM
    PINPOINT SPINNER PINNED_VERSION SALTED OPTION DOTPATH OBSESSION PRIVATELINK ENCRYPTION_ENABLED
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
        "sk_" + "live_0123456789abcdef",
        "rk_" + "test_0123456789abcdef",
        "whsec" + "_0123456789abcdef",
        "sk-proj" + "-0123456789abcdef0123",
        "sk-ant" + "-api03-0123456789abcdef",
        "npm" + "_0123456789abcdefghij0123456789abcdef",
        "SG." + "0123456789abcdef.0123456789abcdef",
        "https://hooks.slack" + ".com/services/T000/B000/XXXX",
        "xapp" + "-1-A0123",
        "https://discord" + ".com/api/webhooks/1/x",
        "https://bucket.s3.amazonaws.com/key?X-Amz-Algorithm=AWS4&X-Amz-Signature=0123",
        "https://account.blob.core.windows.net/c?sv=2022&sig=abc%3D",
        "https://x.cloudfront.net/a?Expires=1&Signature=abc&Key-Pair-Id=K",
        "Basic dXNlcjpodW50ZXIy",
        "Authorization: basic dXNlcjpodW50ZXIy",
        "Bearer 0123456789abcdef0123",
        '{"user": "app", "password": "hunter2"}',
        '"{\\"db_password\\": \\"hunter2\\"}"',
        '{"client_secret":"x"}',
        "https://user:hun/ter2@host/",
        "https://user:hun@ter2@host/",
        "https://user:hun?ter#2@host/",
        "https://0123456789abcdef@host/",
        "user:hunter2@host:path/repository.git",
        "user:hunter2@proxy:3128",
        "AIza" + "SyA0123456789abcdefghijklmnopqrst",
        "glc" + "_eyJvIjoiMTIzNDU2Nzg5MCJ9",
        "hvs" + ".0123456789abcdef0123",
        "123456789:AA" + "0123456789abcdefghijklmnopqrstuvw",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
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
        "git@github.com:owner/repository.git",
        "ssh://git@host/path",
        "https://registry:8080/@scope/package",
        "registry.example.org/name:tag@sha256:0123",
        "Basic authentication is on",
        "Basic authorization",
        "Bearer tokens",
        '{"level": "info", "port": 5432}',
        "SG.UTC",
        "task-sk-example",
        "arn:aws:lambda:eu-west-1:123456789012:function:shop-api",
        "user:name",
        "12:30:00",
        "https://host/{env}?page=2&sort=name",
        "512",
        "",
    ],
)
def test_plain_values_are_shown(value: str) -> None:
    """A URL with a port, an address, a number."""
    assert not looks_secret("PLAIN", value)
