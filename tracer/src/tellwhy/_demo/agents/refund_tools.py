"""The refund desk's tools: decorated plain functions over invented data."""

import time
from typing import Any

import tellwhy

REFUND_LIMIT = 200.0
"""USD; above it a support lead has to agree."""
VOUCHER_LIMIT = 20.0
"""USD; above it a rule denies goodwill vouchers."""
_asked: list[str] = []


@tellwhy.tool(effect="read")
def get_ticket(ticket_id: str) -> dict[str, Any]:
    """Read a support ticket."""
    text = (
        "I ordered a tent on 29 October and the tracking has not moved for weeks. "
        "I want my money back, not another voucher."
    )
    sender = "jane.doe@example.com"
    return {"ticket_id": ticket_id, "from": sender, "subject": "Tent never came", "text": text}


@tellwhy.tool(effect="read")
def get_customer(email: str) -> dict[str, Any]:
    """Look up a customer by e-mail address."""
    time.sleep(0.05)
    return {"customer_id": "C-2047", "name": "Jane Doe", "email": email, "tier": "standard"}


@tellwhy.tool(effect="read")
def find_orders(email: str) -> list[dict[str, Any]]:
    """List a customer's orders of the last 60 days."""
    time.sleep(0.12)
    tent = {"order_id": "88213", "items": ["Ridgeway 2 tent"], "tracking": "PL-7731-0092"}
    pegs = {"order_id": "87790", "items": ["Tent pegs, 10 pieces"], "tracking": "PL-7698-4410"}
    dates = ({"placed": "2026-10-29"}, {"placed": "2026-10-03"})
    return [
        order | placed | {"email": email} for order, placed in zip((tent, pegs), dates, strict=True)
    ]


@tellwhy.tool(effect="read")
def track_parcel(tracking: str) -> dict[str, Any]:
    """Ask the carrier where a parcel is."""
    time.sleep(0.25)
    _asked.append(tracking)
    if len(_asked) == 1:
        raise ConnectionError("the carrier answered 503 Service Unavailable")
    where = {"depot": "Harrow Bridge", "last_scan": "2026-11-02T04:12:00Z"}
    return {"tracking": tracking, "status": "LOST_IN_TRANSIT"} | where


@tellwhy.tool(effect="read")
def read_policy(section: str) -> str:
    """Read one section of the refund policy."""
    return (
        f"§{section} Lost parcels. If the carrier lists a parcel as lost, the customer gets a full "
        "refund without a return, unless they had three or more refunds in the last 12 months."
    )


@tellwhy.tool(effect="read")
def count_refunds(customer_id: str, months: int) -> dict[str, Any]:
    """Count a customer's refunds of the last months."""
    time.sleep(0.08)
    return {"customer_id": customer_id, "months": months, "refunds": 1, "limit": 3}


@tellwhy.tool(effect="read")
def compute_refund(order_id: str) -> dict[str, Any]:
    """Compute what a full refund of an order amounts to."""
    parts = {"items": 239.0, "shipping": 20.0, "voucher_used": -10.0}
    return {"order_id": order_id, "total": sum(parts.values()), "currency": "USD", "parts": parts}


@tellwhy.tool(effect="irreversible")
def issue_refund(order_id: str, amount: float, currency: str, reason: str) -> dict[str, Any]:
    """Pay money back; above 200.00 a support lead has to agree."""
    payload = {"order_id": order_id, "amount": amount, "currency": currency, "reason": reason}
    if amount > REFUND_LIMIT:
        ask_support_lead("issue_refund", payload)
    time.sleep(0.3)
    return {"refund_id": "re_3Qk81", "status": "succeeded"} | payload


def ask_support_lead(tool: str, payload: dict[str, Any]) -> None:
    """Wait for a person; in a real shop this is a chat message with two buttons."""
    with tellwhy.approval(tool, shown=payload) as approval:
        time.sleep(1.4)
        approval.approve(by="Erika Mustermann", note="The carrier's page says lost. OK to refund.")


@tellwhy.tool(effect="read")
def get_ledger(refund_id: str) -> dict[str, Any]:
    """Look up whether a refund has posted."""
    time.sleep(0.06)
    return {"refund_id": refund_id, "posted": True, "amount": 249.0, "currency": "USD"}


@tellwhy.tool(effect="write")
def send_voucher(customer_id: str, amount: float) -> dict[str, Any]:
    """Give a customer a goodwill voucher."""
    payload = {"customer_id": customer_id, "amount": amount}
    if amount > VOUCHER_LIMIT:
        with tellwhy.approval("send_voucher", shown=payload, approver_kind="rule") as approval:
            approval.deny(by="goodwill-limit", note="Goodwill vouchers end at 20.00 USD.")
        raise PermissionError("denied by rule goodwill-limit: vouchers end at 20.00 USD")
    return {"voucher": "VC-118"} | payload


@tellwhy.tool(effect="irreversible")
def send_email(to: str, subject: str, body: str) -> dict[str, Any]:
    """Send an e-mail to a customer."""
    time.sleep(0.1)
    return {"message_id": "m-90417", "to": to, "subject": subject, "characters": len(body)}


@tellwhy.tool(effect="write")
def close_ticket(ticket_id: str, resolution: str) -> dict[str, Any]:
    """Close a ticket."""
    return {"ticket_id": ticket_id, "status": "closed", "resolution": resolution}


TOOLS = {
    tool.__name__: tool
    for tool in (
        get_ticket, get_customer, find_orders, track_parcel, read_policy, count_refunds,
        compute_refund, issue_refund, get_ledger, send_voucher, send_email, close_ticket,
    )
}  # fmt: skip
"""Tool name -> function."""
