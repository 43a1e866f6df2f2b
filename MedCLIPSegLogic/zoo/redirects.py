"""Where a download may be sent on to: https, and no address inside the user's network or computer."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urljoin, urlsplit

from ..errors import MedCLIPSegError, quoted

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, which a token must not leave."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def next_address(start: str, here: str, location: str) -> str:
    """The address a server sends on to.

    The host that the download began at may send on to itself, and this computer to itself: they are what the user chose
    with ``HF_ENDPOINT``.

    Args:
        start: where the download began.
        here: address that was asked.
        location: its answer, relative or whole.

    Raises:
        MedCLIPSegError: not https after https, plain http to another host, or an address that is not on the internet.
    """
    refusal = f"The hub sends the download on to '{quoted(location)}'"
    way_out = "and it was not followed; try later, or bring the file on a stick and use medclipseg models import."
    try:
        target = urljoin(here, location)
        first, aim = urlsplit(start), urlsplit(target)
        _ = aim.port
        addresses = [] if aim.hostname == first.hostname else _addresses(aim)
        own = aim.hostname == first.hostname or (_are_here(addresses) and _are_here(_addresses(first)))
    except ValueError:
        raise MedCLIPSegError(f"{refusal}, which is no address, {way_out}") from None
    if not aim.hostname or (aim.scheme != "https" and not (own and aim.scheme == urlsplit(here).scheme == "http")):
        raise MedCLIPSegError(f"{refusal}, which is not https, {way_out}")
    inside = next((address for address in addresses if not _is_on_the_internet(address)), None)
    if inside is not None and not own:
        raise MedCLIPSegError(f"{refusal}, whose address {inside} is not on the internet, {way_out}")
    return target


def _addresses(parts: SplitResult) -> list[Address]:
    """What a host's name stands for; nothing where only a proxy can tell.

    Raises:
        ValueError: a name that none can have.
    """
    if not parts.hostname:
        return []
    try:
        found = socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [ipaddress.ip_address(entry[4][0]) for entry in found]


def _are_here(addresses: list[Address]) -> bool:
    return bool(addresses) and all(address.is_loopback for address in addresses)


def _is_on_the_internet(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and (address in NAT64 or address in IPV4_COMPATIBLE):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_on_the_internet(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast
