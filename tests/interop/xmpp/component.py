"""A component of XMPP (XEP-0114) that a test drives: component.py DOMAIN PASSWORD HOST reads commands from stdin, one a line, and prints what happens,
one a line. Commands: send ID FROM TO TEXT (with a request for a receipt), quit. It answers requests for receipts by itself."""
import asyncio
import sys

import slixmpp
from slixmpp.componentxmpp import ComponentXMPP


class Component(ComponentXMPP):
    def __init__(self, domain, password, host):
        super().__init__(domain, password, host, 5347)
        for plugin in ("xep_0030", "xep_0184", "xep_0199"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", lambda _: self.say("started", self.boundjid.domain))
        self.add_event_handler("disconnected", lambda _: self.say("disconnected"))
        self.add_event_handler("stream_error", lambda e: self.say("stream-error", e["condition"]))
        self.add_event_handler("message", self.message)
        self.add_event_handler("message_error", self.message)
        self.add_event_handler("receipt_received", lambda m: self.say("receipt", m["receipt"]))

    def say(self, *words):
        print(*words, flush=True)

    def message(self, m):
        if m["type"] == "error":
            # slixmpp's own reader of conditions knows jabber:client alone
            errors = [e for e in m.xml if e.tag.endswith("}error")]
            self.say("error", m["id"], *(c.tag.split("}")[1] for e in errors for c in e if not c.tag.endswith("}text")))
        elif m["body"]:
            self.say("message", m["from"], m["to"], m["body"])

    def command(self, line):
        word, _, rest = line.partition(" ")
        if word == "send":
            name, sender, to, text = rest.split(" ", 3)
            m = self.make_message(mto=to, mfrom=sender, mbody=text, mtype="chat")
            m["id"] = name
            m["request_receipt"] = True
            m.send()
        elif word == "quit":
            self.disconnect()


async def main(domain, password, host):
    component = Component(domain, password, host)
    component.connect()
    reader = asyncio.StreamReader()
    await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().strip():
        component.command(line)


asyncio.get_event_loop().run_until_complete(main(*sys.argv[1:4]))
