"""A client of XMPP that a test drives: client.py USER PASSWORD RESOURCE [HOST] reads commands from stdin, one a line, and prints what happens, one a line.
Commands: send ID TO TEXT (with a request for a receipt), ping, pings TO, disco, typing TO, copies, cut (its connection is reset), lose (it is left alone, with
what comes over it), again (it connects once more), join ROOM/NICK, speak ROOM TEXT, what JID (disco), roster, item JID NAME GROUP, drop JID, presence TYPE TO, show SHOW STATUS, block JID, unblock JID, blocked,
quit. It answers requests for receipts by itself."""
import asyncio
import socket
import struct
import sys
from xml.etree import ElementTree

import slixmpp
from slixmpp.plugins.xep_0198.stanza import Resume


class Client(slixmpp.ClientXMPP):
    def __init__(self, user, password, resource):
        jid = user if "@" in user else f"{user}@example.org"
        super().__init__(f"{jid}/{resource}", password)
        for plugin in ("xep_0030", "xep_0085", "xep_0184", "xep_0198", "xep_0191", "xep_0199", "xep_0280"):
            self.register_plugin(plugin)
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "available", "away", "unavailable", "error"):
            self.add_event_handler(f"presence_{kind}", self.presence)
        self.add_event_handler("roster_update", self.items)
        self.sm = self["xep_0198"]
        self.del_filter("out_sync", self.sm._handle_outgoing)
        self.add_filter("out_sync", self.outgoing)
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("failed_auth", lambda _: self.say("refused"))
        self.add_event_handler("disconnected", lambda _: self.say("disconnected"))
        self.add_event_handler("message", self.message)
        self.add_event_handler("message_error", self.message)
        self.add_event_handler("receipt_received", lambda m: self.say("receipt", m["receipt"]))
        self.add_event_handler("chatstate", lambda m: self.say("state", m["chat_state"]))
        self.add_event_handler("sm_enabled", lambda _: self.say("acknowledges"))
        self.add_event_handler("session_resumed", lambda _: self.say("resumed"))
        self.add_event_handler("sm_failed", lambda _: self.say("not resumed"))
        self.add_event_handler("carbon_received", lambda m: self.copy("got", m["carbon_received"]))
        self.add_event_handler("carbon_sent", lambda m: self.copy("sent", m["carbon_sent"]))
        self.add_event_handler("stanza_acked", lambda s: self.say("acked"))

    def outgoing(self, stanza):
        """slixmpp 1.8.3 forgets what it has not been acknowledged when it asks to go on; XEP-0198 wants that sent again."""
        if not isinstance(stanza, Resume):
            return self.sm._handle_outgoing(stanza)
        self.sm.enabled_out = True
        return stanza

    def say(self, *words):
        print(*words, flush=True)

    async def started(self, _):
        self.send_presence(ppriority=5)
        self.say("started", self.boundjid.full)

    def message(self, m):
        if m["type"] == "groupchat" and m["body"]:
            self.say("room", m["from"], m["body"])
        elif m["type"] == "error":
            self.say("error", m["id"], m["error"]["condition"])
        elif m["body"]:
            self.say("message", m["from"], m["body"])

    def presence(self, p):
        if p["from"] != self.boundjid:
            self.say("presence", p["from"], *filter(None, (p["type"], p["status"], p["error"]["condition"] if p["type"] == "error" else "")))

    def items(self, iq):
        for jid, item in iq["roster"]["items"].items():
            self.say("item", jid, item["subscription"], *filter(None, (item["ask"], item["name"], *item["groups"])))

    def copy(self, which, m):
        self.say("copy", which, m["from"], m["to"], m["body"])

    async def command(self, line):
        word, _, rest = line.partition(" ")
        if word == "send":
            name, to, text = rest.split(" ", 2)
            m = self.make_message(mto=to, mbody=text, mtype="chat")
            m["id"] = name
            m["request_receipt"] = True
            m.send()
        elif word == "typing":
            m = self.make_message(mto=rest, mtype="chat")
            m["chat_state"] = "composing"
            m.send()
        elif word == "ping":
            await self["xep_0199"].ping("example.org")
            self.say("pong")
        elif word == "pings":
            await self["xep_0199"].send_ping(rest, timeout=10)
            self.say("pong", rest)
        elif word == "disco":
            info = await self["xep_0030"].get_info("example.org")
            self.say("disco", *sorted(f"{i[0]}/{i[1]}" for i in info["disco_info"]["identities"]))
        elif word == "join":
            p = self.make_presence(pto=rest)
            p.xml.append(ElementTree.Element("{http://jabber.org/protocol/muc}x"))
            p.send()
        elif word == "speak":
            to, text = rest.split(" ", 1)
            self.make_message(mto=to, mbody=text, mtype="groupchat").send()
        elif word == "what":
            info = await self["xep_0030"].get_info(rest, timeout=10)
            self.say("what", rest, *sorted(f"{i[0]}/{i[1]}" for i in info["disco_info"]["identities"]))
        elif word == "roster":
            await self.get_roster(timeout=20)
            self.say("roster")
        elif word == "item":
            jid, name, group = rest.split(" ")
            await self.update_roster(jid, name=name, groups=[group])
        elif word == "drop":
            await self.del_roster_item(rest)
        elif word == "presence":
            kind, to = rest.split(" ")
            self.send_presence(pto=to, ptype=kind)
        elif word == "show":
            show, status = rest.split(" ", 1)
            self.send_presence(pshow=show, pstatus=status, ppriority=5)
        elif word == "block":
            await self["xep_0191"].block(rest)
            self.say("blocks", rest)
        elif word == "unblock":
            await self["xep_0191"].unblock(rest)
            self.say("unblocks", rest)
        elif word == "blocked":
            iq = await self["xep_0191"].get_blocked()
            self.say("blocked", *sorted(map(str, iq["blocklist"]["items"])))
        elif word == "copies":
            await self["xep_0280"].enable()
            self.say("copies")
        elif word == "cut":
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        elif word == "lose":
            self.lost = self.transport
            self.lost.pause_reading()
            self.connection_lost(None)
        elif word == "again":
            self.connect(("198.18.0.1", 5222), force_starttls=False, disable_starttls=True)
        elif word == "quit":
            self.disconnect()


def word_of(line):
    return line.split(" ")[0]


async def main(user, password, resource, host="198.18.0.1"):
    client = Client(user, password, resource)
    client.connect((host, 5222), force_starttls=False, disable_starttls=True)
    reader = asyncio.StreamReader()
    await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().strip():
        try:
            await client.command(line)
        except Exception as e:
            client.say("failed", word_of(line), getattr(e, "condition", repr(e)))


asyncio.get_event_loop().run_until_complete(main(*sys.argv[1:5]))
