"""The certificates that Amazon SNS signs with: found, checked, and kept for a while.

What is at the address is the certificate alone, without those that vouch for it, so no chain can be checked. TLS to the
host of the topic's own region, which is fixed before anything is fetched, stands for it.
"""

import logging
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from webapp.adapters.sns.fetching import MOST_BYTES, MOST_SECONDS
from webapp.errors import Forbidden, Unavailable

log = logging.getLogger(__name__)

LONGEST_KEPT, MOST_KEPT = timedelta(hours=24), 16
# Anybody can name addresses at Amazon's host, and each costs a thread for a while.
MOST_UNDER_WAY = 8
SHORTEST_KEY = 2048
_PEM = re.compile(rb"\s*-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*")
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True)
class Certificate:
    """One whose name and key are right. Whether it is valid depends on the time."""

    key: RSAPublicKey
    begins: datetime
    ends: datetime
    read_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Whether its time has come and is not over."""
        return self.begins <= now <= self.ends

    def is_fresh(self, now: datetime) -> bool:
        """Whether it need not be looked for again."""
        return timedelta(0) <= now - self.read_at < LONGEST_KEPT


class Certificates:
    """By their addresses. Many may ask at once; each address is fetched by one of them."""

    def __init__(self, folder: Path | None, *, fetch: Callable[[str], bytes], clock: Callable[[], datetime]) -> None:
        self.folder = folder
        self.fetch = fetch
        self.clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, Certificate] = {}
        self._under_way: dict[str, Future[Certificate]] = {}

    def key(self, address: str, signer: str) -> RSAPublicKey:
        """The key of the certificate at the address, which must be of this name.

        Raises Forbidden if it is not a good one, and Unavailable if it could not be had. Neither is remembered.
        """
        certificate = self._find(address, signer)
        if not certificate.is_valid(self.clock()):
            raise _wrong("it is not valid at this time")
        return certificate.key

    def _find(self, address: str, signer: str) -> Certificate:
        with self._lock:
            kept = self._kept.get(address)
            if kept is not None and kept.is_fresh(self.clock()):
                return kept
            found = self._under_way.get(address)
            if found is None:
                found = self._begin(address, signer)
        try:
            # Who waits for a host's address to be found has no limit otherwise.
            return found.result(MOST_SECONDS)
        except TimeoutError as exc:
            raise Unavailable from exc

    def _begin(self, address: str, signer: str) -> Future[Certificate]:
        if len(self._under_way) >= MOST_UNDER_WAY:
            log.warning("sns: too many certificates are being fetched")
            raise Unavailable
        found: Future[Certificate] = Future()
        threading.Thread(target=self._look, args=(address, signer, found), daemon=True).start()
        self._under_way[address] = found  # the thread cannot end before: the lock is held
        return found

    def _look(self, address: str, signer: str, found: Future[Certificate]) -> None:
        """Find it, keep it if it is good, and tell all who wait for it."""
        try:
            now = self.clock()
            certificate = _read(self._bytes(address), signer, now)
            if certificate.is_valid(now):
                self._keep(address, certificate)
        except BaseException as exc:  # whatever it is, those who wait are to have it
            self._end(address)
            found.set_exception(exc)
        else:
            self._end(address)
            found.set_result(certificate)

    def _keep(self, address: str, certificate: Certificate) -> None:
        with self._lock:
            self._kept.pop(address, None)
            self._kept[address] = certificate
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))

    def _end(self, address: str) -> None:
        with self._lock:
            del self._under_way[address]

    def _bytes(self, address: str) -> bytes:
        if self.folder is not None:
            try:
                with (self.folder / address.rpartition("/")[2]).open("rb") as file:
                    return file.read(MOST_BYTES + 1)
            except FileNotFoundError:
                pass
            except OSError as exc:
                log.warning("sns: SNS_CERT_DIR: %s", exc)
                raise Unavailable from exc
        return self.fetch(address)


def _read(pem: bytes, signer: str, now: datetime) -> Certificate:
    if len(pem) > MOST_BYTES or not _PEM.fullmatch(pem):
        raise _wrong("it is not one certificate and nothing else")
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        names = _names(certificate)
    except _UNREADABLE as exc:
        raise _wrong("it cannot be read") from exc
    if not isinstance(key, RSAPublicKey) or key.key_size < SHORTEST_KEY:
        raise _wrong(f"its key is not RSA of {SHORTEST_KEY} bits or more")
    if not names or any(signer not in each for each in names):
        raise _wrong(f"it is not that of {signer}")
    return Certificate(key, certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)


def _names(certificate: x509.Certificate) -> list[list[str]]:
    """Whom it names, in each of the places in which it names somebody."""
    common = [str(name.value) for name in certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)]
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [common] if common else []
    hosts = others.get_values_for_type(x509.DNSName)
    return [common, hosts] if common else [hosts]


def _wrong(why: str) -> Forbidden:
    log.warning("sns: the certificate is not believed: %s", why)
    return Forbidden()
