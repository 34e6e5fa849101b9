"""Whole runs that the tests post: an ordinary one, a long one, one still going, a hostile one."""

import random
from typing import Any

from viewer_runs import Recording, attribute

TOOLS = {
    "get_ticket": "Read one support ticket.",
    "get_order": "Look an order up by its number, with items, payments and shipment.",
    "track_parcel": "Ask the carrier where a parcel is.",
    "read_policy": "Read a section of the refund policy.",
    "issue_refund": "Pay money back to the customer. Cannot be undone.",
    "offer_credit": "Offer store credit instead of money.",
    "send_email": "Send an email to the customer.",
    "escalate": "Hand the ticket to a person.",
}
TASK = "Ticket #55102: my parcel never arrived, I want my money back."

HOSTILE = (
    "<img src=x onerror=\"fetch('BEACON/img')\"><script>window.__pwn=1;fetch('BEACON/script')"
    "</script><svg onload=\"fetch('BEACON/svg')\"></svg>![pixel](BEACON/markdown.png) "
    "[link](javascript:window.__pwn=1) :material/verified: :red[approved] $\\href{BEACON/tex}{x}$ "
    "<style>*{background:url(BEACON/css)}</style><iframe src=BEACON/iframe></iframe> "
    "\u202egnp.exe \x1b[31mred\x07 \u2066x\u2069 {{7*7}} ${7*7} '; DROP TABLE runs;--"
)
"""What an attacker would put into a tool's result to reach whoever reads the trace."""


def refund(started_ns: int, number: int = 1) -> dict[str, Any]:
    """Ten decisions: code, parallel calls, a failure, a denial, an approval, waits, an answer."""
    run = Recording("refund-resolver", started_ns, number, TOOLS, TASK)
    run.route("triage", ["refund", "warranty", "spam"], "refund", "The ticket names a lost parcel.")
    (ticket,) = run.decide(1.9, ("get_ticket", {"id": 55102}), reason="I need the claim first.")
    run.run_tool(ticket, 0.4, {"id": 55102, "order": "88213"}, effect="read", io=0.2)
    order, parcel = run.decide(
        2.4,
        ("get_order", {"order_id": "88213"}),
        ("track_parcel", {"tracking": "ZX99121"}),
        reason="Order and carrier are independent: look both up at once.",
    )
    run.run_tool(order, 1.0, {"id": "88213", "total": 249.0}, effect="read", io=0.6)
    run.run_tool(parcel, 2.1, error=("HTTPStatusError", "503 from the carrier"), effect="read")
    (parcel,) = run.decide(2.1, ("track_parcel", {"tracking": "ZX99121"}), attempts=2)
    run.run_tool(parcel, 1.3, {"status": "LOST_IN_TRANSIT"}, effect="read", io=0.9)
    (policy,) = run.decide(3.0, ("read_policy", {"section": "4.2"}))
    run.run_tool(policy, 0.3, "§4.2 Lost parcels: full refund. Above $200 somebody approves.")
    run.guard("policy check", 0.5)
    money = {"order_id": "88213", "amount": 249.0, "currency": "USD", "notify": True}
    (refusal,) = run.decide(4.4, ("issue_refund", money), reason="§4.2 allows a full refund.")
    run.approve(refusal, 862, "denied", "erika.mustermann", note="The photo is missing.")
    run.refuse(refusal, "Denied by erika.mustermann: The photo is missing.")
    (mail,) = run.decide(2.8, ("send_email", {"to": "c_881", "subject": "A photo, please"}))
    run.run_tool(mail, 0.8, {"sent": True}, effect="write")
    run.wait(600)
    (pay,) = run.decide(3.8, ("issue_refund", money), reason="The photo is there now.")
    run.approve(pay, 130, "approved", "erika.mustermann", note="OK to refund.")
    run.run_tool(pay, 0.8, {"refund_id": "re_3Qk81"}, effect="irreversible", io=0.5)
    run.decide(3.1, answer="We have paid back $249.00.")
    return run.export(output="Refunded $249.00")


def long(started_ns: int, number: int = 2, decisions: int = 1250) -> dict[str, Any]:
    """Four steps for each decision; 1,250 decisions make about 5,000 steps."""
    chance = random.Random(number)
    run = Recording("reconciler", started_ns, number, TOOLS, "Reconcile the orders.", keep=4)
    for at in range(decisions):
        name = chance.choice(list(TOOLS))
        (call,) = run.decide(chance.uniform(0.8, 3), (name, {"order_id": str(at)}), reason="Next.")
        if chance.random() < 0.004:
            run.approve(call, chance.uniform(60, 900), "approved", "ops")
        error = ("Timeout", "no answer") if chance.random() < 0.03 else None
        run.run_tool(call, chance.uniform(0.2, 1.8), {"ok": at}, error=error, effect="read", io=0.1)
        run.guard("budget", 0.05)
    run.decide(2, answer="Done.")
    return run.export(output="done")


def going(started_ns: int, number: int = 3) -> dict[str, Any]:
    """A run that has not ended, in the middle of its second tool."""
    run = Recording("watcher", started_ns, number, TOOLS, "Watch the queue.")
    (call,) = run.decide(2.4, ("get_order", {"order_id": "1"}), reason="Start with the oldest.")
    run.run_tool(call, 0.5, {"ok": 1})
    (call,) = run.decide(2.4, ("track_parcel", {"tracking": "1"}))
    run.run_tool(call, None)
    return run.export(ended=False)


def broken(started_ns: int, number: int = 4) -> dict[str, Any]:
    """A run that failed."""
    run = Recording("invoice-bot", started_ns, number, TOOLS, "Pay invoice 17.")
    (call,) = run.decide(1.4, ("issue_refund", {"order_id": "17"}))
    run.run_tool(call, 0.2, error=("ValueError", "amount is missing"))
    return run.export(error="ValueError")


def died(started_ns: int, number: int = 6) -> dict[str, Any]:
    """A run whose process was killed while its second tool ran, as its spool tells afterwards."""
    run = Recording("night-porter", started_ns, number, TOOLS, "Write to customer 7.")
    (call,) = run.decide(1.2, ("get_ticket", {"id": 7}), reason="Read it first.")
    run.run_tool(call, 0.3, {"id": 7})
    (call,) = run.decide(1.4, ("send_email", {"to": "c_7"}))
    run.run_tool(call, None, effect="write")
    told = run.export(ended=False)
    for span in run.spans:
        if "endTimeUnixNano" not in span:
            span["endTimeUnixNano"] = str(run.now + 10**9)
            span["attributes"] = [
                entry for entry in span["attributes"] if entry["key"] != "tellwhy.pending"
            ] + [attribute("tellwhy.lost", True), attribute("tellwhy.lost.reason", "killed")]
    return told


def hostile(started_ns: int, beacon: str, number: int = 5) -> dict[str, Any]:
    """A run in which every text that an outsider can choose attacks the reader."""
    text = HOSTILE.replace("BEACON", beacon)
    run = Recording(
        text, started_ns, number, {text: text, "plain": text}, text, text, model=text, service=text
    )
    run.route(text, [text, "other"], text, text)
    first, second = run.decide(1, (text, {text: text}), ("plain", {"a": [text]}), reason=text)
    run.approve(first, 5, "approved", text, note=text)
    run.run_tool(first, 1, {text: text}, effect="write", io=0.2)
    run.run_tool(second, 1, error=(text, text))
    run.decide(1, answer=text, reason=text)
    return run.export(output=text, error=text)
