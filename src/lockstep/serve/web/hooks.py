"""GitHub's webhooks, as hints: one says which repository to ask, and nothing else of it is believed."""

import hashlib
import hmac
import threading
from collections import OrderedDict
from urllib.parse import parse_qs

from lockstep.git.address import address_of
from lockstep.model.foreign import read_json

__all__ = ["MOST", "Hooks", "Refusal", "place_of"]

MOST = 5_000_000  # bytes; a push that is announced with more is found by polling
_REMEMBERED = 4096
_URLS = ("clone_url", "ssh_url", "git_url", "html_url", "url")


class Refusal(Exception):
    """Why an announcement is not taken: a status of HTTP, and words."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        self.words = words
        super().__init__(words)


def place_of(url: str) -> str:
    """A repository's URL without what the ways to write it differ by."""
    address = address_of(url)
    return f"{address.host}/{address.path.casefold()}" if address else url


class Hooks:
    """Judges announcements that are signed with one secret; remembers the last ones."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def places(self, body: bytes, *, signature: str | None, form: str) -> frozenset[str]:
        """The repository that an announcement names, as ``place_of`` writes it; none when it came before.

        ``signature`` is the header X-Hub-Signature-256, ``form`` the content type. Raises Refusal. Source:
        GitHub's documentation, "Validating webhook deliveries".
        """
        digest = hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
        given = (signature or "").encode("utf-8", "replace").removeprefix(b"sha256=")
        if not hmac.compare_digest(digest, given):
            raise Refusal(401, "the signature is missing or wrong")
        with self._lock:
            # What is signed is the body, so a repetition is known by it, whatever its headers say.
            if digest in self._seen:
                return frozenset()
            self._seen[digest] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        repository = _read(body, form).get("repository")
        if not isinstance(repository, dict):
            return frozenset()
        urls = (repository.get(name) for name in _URLS)
        return frozenset(place_of(url) for url in urls if isinstance(url, str))


def _read(body: bytes, form: str) -> dict[str, object]:
    try:
        text = body.decode()
        if form.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            text = parse_qs(text, max_num_fields=10)["payload"][0]
        document = read_json(text)
    except (ValueError, KeyError) as error:
        raise Refusal(400, "it is no JSON") from error
    if not isinstance(document, dict):
        raise Refusal(400, "it is no JSON object")
    return document
