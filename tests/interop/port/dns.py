#!/usr/bin/python3
# A zone from a file that is read at each question: NAME TYPE TTL DATA... a line. Answers over UDP.
import socket, struct, sys

TYPES = {"A": 1, "AAAA": 28, "SRV": 33, "NAPTR": 35}

def name(text):
    labels = [label for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"

def data(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "SRV":
        return struct.pack(">HHH", *map(int, words[:3])) + name(words[3])
    text = lambda word: bytes([len(word)]) + word.encode()
    return struct.pack(">HH", *map(int, words[:2])) + text(words[2]) + text(words[3]) + text("") + name(words[4])

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
while True:
    asked, sender = server.recvfrom(4096)
    at, labels = 12, []
    while asked[at]:
        labels.append(asked[at + 1:at + 1 + asked[at]].decode().lower())
        at += 1 + asked[at]
    wanted, kind = ".".join(labels), struct.unpack(">H", asked[at + 1:at + 3])[0]
    zone = [line.split() for line in open(sys.argv[2]) if line.strip()]
    here = [r for r in zone if r[0] == wanted]
    answers = b"".join(struct.pack(">HHHIH", 0xc00c, kind, 1, int(r[2]), len(d)) + d
                       for r in here if TYPES[r[1]] == kind for d in [data(r[1], r[3:])])
    count = sum(TYPES[r[1]] == kind for r in here)
    flags = 0x8180 if here else 0x8183
    server.sendto(asked[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + asked[12:at + 5] + answers, sender)
