#!/usr/bin/env python3
"""All-pairs: few rows in which every two values of every two factors meet at least once.

usage: pairs.py NAME=VALUE,VALUE,... NAME=...   prints one row of NAME=VALUE words a line
"""
import itertools
import random
import sys

# The largest MTU that each device carries.
MTU_MAX = {"xdp": 3000, "tap": 1500, "packet": 1496, "pcap": 9000}


def allowed(row):
    mtu, device = row.get("mtu"), row.get("device")
    if mtu and row.get("family") == "6" and int(mtu) < 1280:  # RFC 8200, 5
        return False
    return not (mtu and device and int(mtu) > MTU_MAX[device])


def main():
    rng = random.Random(20260101)
    factors = [(name, values.split(",")) for name, values in (word.split("=", 1) for word in sys.argv[1:])]
    names = [name for name, _ in factors]
    open_pairs = set()
    for (a, a_values), (b, b_values) in itertools.combinations(factors, 2):
        for x, y in itertools.product(a_values, b_values):
            if allowed({a: x, b: y}):
                open_pairs.add(((a, x), (b, y)))

    def met(row):
        return {((a, row[a]), (b, row[b])) for a, b in itertools.combinations(names, 2)} & open_pairs

    while open_pairs:
        best, best_met = None, set()
        seed = sorted(open_pairs)[0]
        for _ in range(200):
            row = {name: rng.choice(values) for name, values in factors}
            row.update(dict(seed))
            if not allowed(row):
                continue
            now = met(row)
            if len(now) > len(best_met):
                best, best_met = row, now
        open_pairs -= best_met
        print(" ".join(f"{name}={best[name]}" for name in names))


main()
