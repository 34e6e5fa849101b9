"""TLS for both doors from PEM files, checked when the collector starts.

gRPC's own core only logs what is wrong with a certificate, and Python's messages name no file; so
the files are read and tried here first. A renewed certificate is taken at the next start.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from tellwhy_collector.errors import SettingsError
from tellwhy_collector.settings import Settings, flag, variable


@dataclass(frozen=True, slots=True)
class Tls:
    """The same certificate for HTTP and for gRPC."""

    context: ssl.SSLContext
    """For HTTP. TLS 1.2 and newer."""
    credentials: Any
    """`grpc.ServerCredentials` for gRPC."""


def load(settings: Settings) -> Tls | None:
    """What the settings name; None when they name no certificate.

    Raises:
        SettingsError: A file is missing, unreadable, no PEM, encrypted, or key and certificate do
            not belong together. The message names the file and the setting.
    """
    if not settings.tls_cert:
        return None
    cert, key = _read(settings, "tls_cert"), _read(settings, "tls_key")
    client_ca = _read(settings, "tls_client_ca") if settings.tls_client_ca else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without protocols that both know, some clients fall back to older ones.
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Asked for a password OpenSSL would read the terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except ssl.SSLError as error:
        raise SettingsError(_wrong_pair(settings, error)) from None
    if client_ca is not None:
        try:
            context.load_verify_locations(settings.tls_client_ca)
        except ssl.SSLError:
            raise SettingsError(_no_certificate("tls_client_ca", settings.tls_client_ca)) from None
        context.verify_mode = ssl.CERT_REQUIRED
    credentials = grpc.ssl_server_credentials(
        [(key, cert)], root_certificates=client_ca, require_client_auth=client_ca is not None
    )
    return Tls(context, credentials)


def _no_password() -> str:
    raise SettingsError(
        "The private key in tls_key is encrypted, and nobody is there to type its password. "
        "Decrypt it (openssl pkey -in KEY -out PLAIN) and let only this user read it."
    )


def _read(settings: Settings, name: str) -> bytes:
    path = getattr(settings, name)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{name} is {path}, which cannot be read: {error.strerror}. Change {variable(name)} or "
            f"{flag(name)}, or give this user the right to read it."
        ) from None


def _no_certificate(name: str, path: str) -> str:
    return (
        f"{name} is {path}, in which there is no certificate. It has to be a PEM file with "
        "-----BEGIN CERTIFICATE-----."
    )


def _wrong_pair(settings: Settings, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return (
            f"The key in {settings.tls_key} does not belong to the certificate in "
            f"{settings.tls_cert}. Change tls_key or tls_cert; in tls_cert the collector's own "
            "certificate comes first, then those that signed it."
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(settings.tls_cert)
    except ssl.SSLError:
        return _no_certificate("tls_cert", settings.tls_cert)
    return (
        f"tls_key is {settings.tls_key}, in which there is no private key that OpenSSL reads "
        f"({error.reason or error}). It has to be a PEM file with -----BEGIN PRIVATE KEY-----."
    )
