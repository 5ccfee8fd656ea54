#!/usr/bin/env python3
"""A second verifier of certified answers, written from the documents alone.

Needs Python 3.9 and `cryptography`. It shares no code with the first one (packages/lock/verify):
when both say the same of a vector, the documents say enough.

  verify.py COMMITTEE ANSWER      files with hex; prints what the answer proves, as JSON
  verify.py --bundle CELL BUNDLE  the cell id in hex, and a file with hex: an answer with the links to its epoch
  verify.py --vectors FILE...     compares itself with what vector files demand

What it follows: canonical encoding (packages/kernel/codec), tries (packages/kernel/trie), votes and
certificates (R6 of packages/kernel/replica/PROTOCOL.md), epochs (R31 there), the state root (packages/lock/service),
proofs (packages/lock/verify).
"""
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refused(Exception):
    """The answer proves nothing."""


def demand(holds, why):
    if not holds:
        raise Refused(why)


# Canonical encoding: unsigned integers, byte strings, text, arrays, in their shortest form.


def head_of(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | extra]) + number.to_bytes(size, "big")
    raise Refused("a number beyond 64 bits")


def encode(item):
    if isinstance(item, int):
        return head_of(0, item)
    if isinstance(item, bytes):
        return head_of(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode()
        return head_of(3, len(text)) + text
    return head_of(4, len(item)) + b"".join(encode(one) for one in item)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        demand(self.at + count <= len(self.data), "more bytes")
        self.at += count
        return self.data[self.at - count : self.at]

    def item(self, depth=0):
        demand(depth < 32, "too deep")
        first = self.take(1)[0]
        major, number = first >> 5, first & 31
        if number >= 24:
            demand(number <= 27, "a definite length")
            number = int.from_bytes(self.take(1 << number - 24), "big")
        if major == 0:
            return number
        if major == 2:
            return self.take(number)
        if major == 3:
            try:
                return self.take(number).decode()
            except UnicodeDecodeError:
                raise Refused("text") from None
        demand(major == 4, "an item of the profile")
        demand(number <= len(self.data), "items that can be there")
        return [self.item(depth + 1) for _ in range(number)]


def decode(data):
    reader = Reader(data)
    item = reader.item()
    demand(reader.at == len(data), "nothing behind the item")
    demand(encode(item) == data, "the canonical encoding")
    return item


def fields(item, *kinds):
    """The fields of a record, each of its kind."""
    demand(isinstance(item, list) and len(item) == len(kinds), f"{len(kinds)} fields")
    for one, kind in zip(item, kinds):
        if kind is not None:
            demand(isinstance(one, kind), f"a field of kind {kind.__name__}")
    return item


def optional(item):
    demand(isinstance(item, list) and len(item) <= 1, "a value or none")
    return item[0] if item else None


# Hashes and signatures with their domains.


def domain(kind):
    name = f"fatty/{kind}/1".encode()
    return bytes([len(name)]) + name


def digest(kind, *parts):
    return hashlib.sha256(domain(kind) + b"".join(parts)).digest()


def is_signed(key, kind, cell, body, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, domain(kind) + cell + body)
        return True
    except (InvalidSignature, ValueError):
        return False


# Tries.


class Node:
    """A node of the part of a trie that a proof shows."""

    def __init__(self, kind, count, hashed, **more):
        self.kind, self.count, self.hashed = kind, count, hashed
        self.__dict__.update(more)


def grow(nodes):
    """The nodes in pre-order, linked; None: a trie without keys."""
    if not nodes:
        return None
    rest = iter(nodes)

    def read(above):
        node = next(rest, None)
        demand(isinstance(node, list) and node, "a node")
        if node[0] == 0:
            _, bit = fields(node, int, int)
            demand(above < bit < 256, "bits that rise")
            left, right = read(bit), read(bit)
            demand("stub" not in (left.kind,) or right.kind != "stub", "one stub for two")
            count = left.count + right.count
            hashed = digest(
                "trie-inner", bytes([bit]), count.to_bytes(8, "big"), left.hashed, right.hashed
            )
            return Node("inner", count, hashed, bit=bit, left=left, right=right)
        if node[0] == 1:
            _, key, value = fields(node, int, bytes, bytes)
            demand(len(value) == 32, "a digest")
            return Node("leaf", 1, digest("trie-leaf", value, key), key=key, value=value)
        demand(node[0] == 2, "a node")
        _, count, hashed = fields(node, int, int, bytes)
        demand(count > 0 and len(hashed) == 32, "a stub of something")
        return Node("stub", count, hashed)

    top = read(-1)
    demand(next(rest, None) is None, "no nodes left over")
    demand(top.kind != "stub", "more than a stub")
    return top


def held_to(root, nodes):
    top = grow(nodes)
    demand((top.hashed if top else digest("trie-empty")) == root, "the root")
    return top


def lookup(root, key, step):
    """The digest of a key's value in the trie of this root, or None."""
    demand(isinstance(step, bytes), "a step")
    nodes = decode(step)
    demand(isinstance(nodes, list), "nodes")
    at = held_to(root, nodes)
    place = digest("trie-key", key)
    while at is not None and at.kind == "inner":
        at = at.right if place[at.bit >> 3] >> 7 - (at.bit & 7) & 1 else at.left
    demand(at is None or at.kind == "leaf", "a proof about this key")
    return at.value if at is not None and at.key == key else None


def entry(root, key, item):
    step, value = fields(item, bytes, list)
    value = optional(value)
    found = lookup(root, key, step)
    if found is None:
        demand(value is None, "no value of what is not there")
        return None
    demand(isinstance(value, bytes) and digest("trie-value", value) == found, "the value")
    return value


def page_of(root, page):
    nodes, values = fields(decode(page), list, list)
    top = held_to(root, nodes)
    state = {"from": 0, "leaves": [], "over": False}

    def visit(node):
        if node.kind == "inner":
            visit(node.left)
            visit(node.right)
        elif node.kind == "leaf":
            demand(not state["over"], "no gap")
            state["leaves"].append(node)
        elif state["leaves"]:
            state["over"] = True
        else:
            state["from"] += node.count

    if top is not None:
        visit(top)
    demand(len(values) == len(state["leaves"]), "a value for each key")
    for leaf, value in zip(state["leaves"], values):
        demand(isinstance(value, bytes) and digest("trie-value", value) == leaf.value, "a value")
    entries = [(leaf.key, value) for leaf, value in zip(state["leaves"], values)]
    return state["from"], entries, top.count if top is not None else 0


# The state.


def open_state(root, state):
    demand(digest("state", state) == root, "the state that was signed")
    return fields(decode(state), list, *[bytes] * 10)


def names_of(path):
    demand(path.startswith("/"), "an absolute path")
    return [] if path == "/" else [name.encode() for name in path[1:].split("/")]


def children_of(record):
    """Root and count of a directory's children; None of a file."""
    _, children = fields(decode(record), list, list)
    children = optional(children)
    return None if children is None else fields(children, bytes, int)


def node_at(tree, path, way):
    records, steps = fields(way, list, list)
    demand(records and digest("tree", records[0]) == tree, "the namespace that was signed")
    used = 0
    for depth, name in enumerate(names_of(path)):
        children = children_of(records[depth])
        if children is None:
            demand(len(records) == depth + 1 and len(steps) == used, "nothing left over")
            return None
        demand(depth < len(steps), "a step")
        used += 1
        found = lookup(children[0], name, steps[depth])
        if found is None:
            demand(len(records) == depth + 1 and len(steps) == used, "nothing left over")
            return None
        demand(depth + 1 < len(records), "a record")
        demand(digest("trie-value", records[depth + 1]) == found, "the record")
    demand(len(records) == used + 1 and len(steps) == used, "nothing left over")
    return records[-1]


def show_node(record):
    if record is None:
        return None
    body, children = fields(decode(record), list, list)
    children = optional(children)
    return {
        "id": [body[0][0].hex(), body[0][1], body[0][2]],
        "file": body[2],
        "slot": body[12],
        "contents": [[one[2].hex(), one[3]] for one in body[11]],
        "children": None if children is None else children[1],
    }


def prove_claim(state, about, proof):
    _, lock, claim, session = fields(proof, bytes, list, list, list)
    claim, session = optional(claim), optional(session)
    _, path, own = about
    found = entry(state[6], path.encode(), lock)
    if found is None:
        demand(claim is None and session is None, "nothing left over")
        return None
    demand(claim is not None, "the claims")
    record = entry(decode(found)[2], own, claim)
    if record is None:
        demand(session is None, "nothing left over")
        return None
    demand(session is not None, "the session")
    row = entry(state[2], own, session)
    demand(row is not None, "the session")
    _, _, mode, _, held, position, _ = decode(record)
    row = decode(row)
    return {
        "held": held,
        "mode": ["exclusive", "shared"][mode],
        "position": position,
        "holder": row[1].hex(),
        "leaseExpiry": row[8],
    }


def prove_kept(state, about, proof):
    _, kept, group = fields(proof, bytes, list, list)
    _, session, seq = about
    groups, group = entry(state[3], session, kept), optional(group)
    demand((groups is None) == (group is None), "a group of what is kept, and of nothing else")
    if groups is None:
        return []
    at = seq % 64 // 8 * 32
    demand(isinstance(group, bytes) and len(group) == 8 * 32, "eight places")
    demand(digest("receipt-group", group) == groups[at : at + 32], "the group")
    digests = [group[i : i + 32] for i in range(0, 8 * 32, 32)]
    return [one.hex() for one in digests if one != bytes(32)]


def prove(root, about, proof):
    """What the proof shows of its subject, and the head of the state."""
    proof = decode(proof)
    demand(isinstance(proof, list) and proof and isinstance(proof[0], bytes), "a proof")
    state = open_state(root, proof[0])
    kind = about[0]
    if kind == 0:
        _, way = fields(proof, bytes, list)
        fact = {"node": show_node(node_at(state[1], about[1], way))}
    elif kind == 1:
        _, way, page = fields(proof, bytes, list, list)
        record, page = node_at(state[1], about[1], way), optional(page)
        children = None if record is None else children_of(record)
        fact = {"node": show_node(record), "from": 0, "total": 0, "children": []}
        demand((page is None) == (children is None), "a page of a directory, and of nothing else")
        if page is not None:
            start, entries, total = page_of(children[0], page)
            names = [key.decode() for key, _ in entries]
            fact.update({"from": start, "total": total, "children": names})
    elif kind == 2:
        fact = {"claim": prove_claim(state, about, proof)}
    else:
        demand(kind == 3, "a subject")
        fact = {"kept": prove_kept(state, about, proof)}
    return {**fact, "head": state[0][:4]}


# Certificates.


def check_certificate(cell, committee, cert):
    """What a quorum of a committee has signed: epoch, index, digest, state, receipts, frame."""
    epoch, members, _, _ = fields(committee, int, list, int, list)
    core, bitmap, signatures = fields(cert, bytes, bytes, list)
    vote = fields(decode(core), int, int, *[bytes] * 4)
    demand(vote[0] == epoch, "the epoch")
    n = len(members)
    demand(len(bitmap) == (n + 7) // 8, "the bitmap")
    signers = [i for i in range(8 * len(bitmap)) if bitmap[i >> 3] >> (i & 7) & 1]
    demand(all(i < n for i in signers) and len(signers) == len(signatures), "members")
    demand(len(signers) >= n - faults(n), "a quorum")
    for i, signature in zip(signers, signatures):
        demand(is_signed(members[i], "vote", cell, core, signature), "signatures")
    return vote


def faults(n):
    return (n - 1) // 3


# Epochs (R31): a link is the final frame of an epoch with its certificate, and names the next committee.


def next_committee(committee, changes, genesis_ts):
    epoch, members, _, params = committee
    gone, come = [], []
    changed_params = [change[1] for change in changes if change[0] == 1]
    demand(len(changed_params) <= 1, "parameters that change once")
    for change in changes:
        if change[0] == 2:
            come.append(change[1])
        elif change[0] == 3:
            gone.append(change[1])
            come.append(change[2])
        elif change[0] == 4:
            gone.append(change[1])
        else:
            demand(change[0] in (1, 5), "a change")
    demand(len(set(gone)) == len(gone) and len(set(come)) == len(come), "members that change once")
    demand(len(gone) <= faults(len(members)), "at most f that go")
    after = sorted([key for key in members if key not in gone] + come)
    demand(4 <= len(after) <= 256, "4 to 256 members")
    demand(len(set(after)) == len(after), "members that are there once")
    after_params = changed_params[0] if changed_params else params
    # supportRoundsMax, horizonRounds: the first two.
    demand(after_params[0] >= 2 * len(after) and after_params[1] > after_params[0], "windows")
    return [epoch + 1, after, genesis_ts, after_params]


def open_link(cell, committee, begins, link):
    """The next committee, and at which commit this one ended."""
    frame, cert = fields(link, list, list)
    vote = check_certificate(cell, committee, cert)
    epoch, index, commit, _, _, _, agenda, end, _ = fields(
        frame, int, int, bytes, int, list, list, list, list, list
    )
    demand(digest("frame", encode(frame)) == vote[5], "the frame that was signed")
    demand([epoch, index, commit] == [vote[0], vote[1], vote[2]], "the frame of that commit")
    end, plan = optional(end), optional(fields(agenda, list, list, list, list, list)[4])
    demand(end is not None, "a final frame")
    demand(plan is not None, "a plan")
    _, after = fields(end, int, list)
    fields(after, int, list, int, list)
    _, changes = fields(plan, int, list)
    demand(next_committee(committee, changes, after[2]) == after, "what the changes make")
    demand(index > begins, "progress")
    return after, index


def follow(cell, genesis, links):
    """By epoch: its committee, the commit before its first, its last (None: it goes on), how it ended."""
    demand(digest("cell", encode(genesis)) == cell, "the genesis committee")
    first = genesis[0]
    epochs = {first: [genesis, 0, None, None]}
    at = first
    for link in links:
        committee, begins, _, _ = epochs[at]
        after, index = open_link(cell, committee, begins, link)
        epochs[at][2:] = [index, link[1][0]]
        at += 1
        epochs[at] = [after, index, None, None]
    return epochs


def check_along(cell, epochs, cert):
    core, _, _ = fields(cert, bytes, bytes, list)
    epoch = fields(decode(core), int, int, *[bytes] * 4)[0]
    demand(epoch in epochs, "links to that epoch")
    committee, begins, last, ended_by = epochs[epoch]
    vote = check_certificate(cell, committee, cert)
    demand(vote[1] > begins and (last is None or vote[1] <= last), "a commit of that epoch")
    demand(vote[1] != last or core == ended_by, "the state that ended the epoch")
    return vote


BUNDLE = "fatty-bundle/1"


def check_bundle(cell, bundle_bytes):
    """What a bundle proves to who knows the cell id. Raises Refused."""
    form, genesis, links, answer = fields(decode(bundle_bytes), str, list, list, bytes)
    demand(form == BUNDLE, BUNDLE)
    fields(genesis, int, list, int, list)
    epochs = follow(cell, genesis, links)
    return check_answer(lambda cert: check_along(cell, epochs, cert), answer)


def check(committee_bytes, answer_bytes):
    """What a certified answer proves. Raises Refused. The committee is that of the genesis."""
    committee, cell = decode(committee_bytes), digest("cell", committee_bytes)
    return check_answer(lambda cert: check_certificate(cell, committee, cert), answer_bytes)


def check_answer(judge, answer_bytes):
    about, cert, proof = fields(decode(answer_bytes), list, list, bytes)
    demand(about and isinstance(about[0], int), "a subject")
    vote = judge(cert)
    fact = prove(vote[3], about, proof)
    demand(fact["head"][1] == vote[1], "the state of that commit")
    return fact


REFUSALS = (Refused, IndexError, TypeError, ValueError)


def compare(path):
    """Answers how many vectors of a file there are, and in which this verifier differs."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    if "bundles" in vectors:
        cell = bytes.fromhex(vectors["cell"])
        rows = vectors["bundles"]

        def judge(data):
            return check_bundle(cell, data)["head"][:2]

    else:
        committee = bytes.fromhex(vectors["committee"])
        rows = vectors["answers"]

        def judge(data):
            return check(committee, data)

    different = []
    for one in rows:
        try:
            fact = judge(bytes.fromhex(one["hex"]))
        except REFUSALS as error:
            fact, why = None, f"{type(error).__name__}: {error}"
        else:
            why = json.dumps(fact)
        if fact != one["fact"]:
            different.append(f"{one['name']}: {why}, not {json.dumps(one['fact'])}")
    return len(rows), different


def main(arguments):
    if arguments[:1] == ["--vectors"] and len(arguments) > 1:
        total, different = 0, []
        for path in arguments[1:]:
            count, found = compare(path)
            total += count
            different += found
        print("\n".join(different) or f"{total} vectors, all as they should be")
        return 1 if different else 0
    if arguments[:1] == ["--bundle"] and len(arguments) == 3:
        with open(arguments[2], encoding="utf-8") as file:
            bundle = bytes.fromhex(file.read().strip())
        return show(lambda: check_bundle(bytes.fromhex(arguments[1]), bundle))
    if len(arguments) != 2:
        print(__doc__)
        return 2
    committee, answer = (open(path, encoding="utf-8").read().strip() for path in arguments)
    return show(lambda: check(bytes.fromhex(committee), bytes.fromhex(answer)))


def show(judge):
    try:
        print(json.dumps(judge(), indent=2))
        return 0
    except REFUSALS as error:
        print(f"proves nothing: expected {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
