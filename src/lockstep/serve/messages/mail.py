"""Mails by SMTP. Each has an id that follows from what it says, by which one that comes twice is known."""

import hashlib
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage

from lockstep.serve.messages.destinations import Mail
from lockstep.serve.messages.message import Message
from lockstep.serve.messages.ways import Undelivered

__all__ = ["Mailer"]

_TIMEOUT = 10.0  # seconds


class Mailer:
    """One server. What was mailed stays so: what is news of the same thing answers it."""

    can_change = False

    def __init__(self, way: Mail, address: str) -> None:
        self._way = way
        self._address = address

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """Mail it; the id of the first mail is what later ones refer to."""
        mail = self.mail_of(message, remote)
        try:
            with self._connected() as server:
                server.send_message(mail, self._way.sender, list(self._way.to))
        except smtplib.SMTPRecipientsRefused as error:
            code = max((code for code, _ in error.recipients.values()), default=0)
            raise Undelivered(f"{self._way.host} takes none of the addresses ({code})") from None
        except smtplib.SMTPResponseException as error:
            is_for_all = not (isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500)
            raise Undelivered(f"{self._way.host} answered {error.smtp_code}", is_for_all=is_for_all) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Undelivered(f"{self._way.host} cannot be spoken with ({type(error).__name__})") from None
        return remote or str(mail["Message-ID"])

    def mail_of(self, message: Message, remote: str) -> EmailMessage:
        """The mail; ``remote`` is the id of the first one of the same thing."""
        mail = EmailMessage()
        mail["From"] = self._way.sender
        mail["To"] = ", ".join(self._way.to)
        mail["Subject"] = message.title[:200]
        number = hashlib.sha256(f"{message.key}\0{message.news}\0{self._way.to}".encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{number}@{self._way.sender.rpartition('@')[2]}>"
        if remote:
            mail["In-Reply-To"] = remote
            mail["References"] = remote
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        more = (f"{self._address}{message.link}",) if self._address else ()
        mail.set_content("\n".join((message.title, "", *message.lines, *more, "")))
        return mail

    def _connected(self) -> smtplib.SMTP:
        way = self._way
        if way.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                way.host, way.port, timeout=_TIMEOUT, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(way.host, way.port, timeout=_TIMEOUT)
        try:
            if way.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if way.user is not None:
                server.login(way.user, way.password or "")
        except BaseException:
            with suppress(OSError):
                server.close()
            raise
        return server
