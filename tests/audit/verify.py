#!/usr/bin/env python3
"""Checks logs of Onedoor offline: a second verifier, written from docs/audit-log.md alone.

    verify.py --key NAME+ID+BASE64 [--checkpoint FILE] [--from N] FOLDER...

Prints `ok`, `unchecked: why` or `KIND at record N: what` for each. Exit code: 0 all ok, 1 damage, 2 unchecked.
"""

import argparse, base64, functools, hashlib, json, pathlib, re, sys, zlib  # noqa: E401
from ed25519 import is_signed

CHECKPOINTS, SEALED, HEX = "checkpoints.jsonl", "sealed.jsonl", "([0-9a-f]{64})"
MEMBER = bytes.fromhex("1f8b080400000000 00ff0c004f440800")
LINE = re.compile(rb'(\{"seq":(0|[1-9][0-9]*),.*),"hash":"([0-9a-f]{64})","crc":"([0-9a-f]{8})"\}', re.DOTALL)
SEAL = re.compile(rf"sealed (\d+)\nprev {HEX}\nlast {HEX}\ntree ([0-9a-f ]+)\ntime .*\nbytes \d+\n", re.ASCII)
CRC = range(256)
for _ in range(8):
    CRC = [it >> 1 ^ (0x82F63B78 if it & 1 else 0) for it in CRC]

class Damage(Exception):
    def __init__(self, seq, kind, detail):
        super().__init__(f"{kind} at record {seq}: {detail}")

class Unchecked(Exception): ...

def crc32c(data):
    return functools.reduce(lambda crc, it: crc >> 8 ^ CRC[(crc ^ it) & 0xFF], data, 0xFFFFFFFF) ^ 0xFFFFFFFF

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

class Key:
    def __init__(self, text):
        self.name, self.id, key = text.strip().split("+", 2)
        key = base64.b64decode(key, validate=True)
        if len(key) != 33 or key[0] != 1 or sha256(self.name.encode(), b"\n", key)[:4].hex() != self.id:
            raise Unchecked("the key is none")
        self.key = key[1:]
    @functools.lru_cache(maxsize=None)
    def open(self, note):
        """Size, root and what else a checkpoint says; None where it is not one of this key."""
        text, found, signatures = note.rpartition("\n\n")
        text += "\n"
        for line in signatures.split("\n")[:-1] if found and signatures.endswith("\n") else []:
            try:
                dash, name, signed = line.split(" ")
                signed = base64.b64decode(signed, validate=True)
                is_ours = dash == "\u2014" and name == self.name and signed[:4].hex() == self.id
                if is_ours and is_signed(self.key, text.encode(), signed[4:]):
                    origin, size, root, more = text.split("\n", 3)
                    if origin == self.name and re.fullmatch("0|[1-9][0-9]*", size):
                        return int(size), base64.b64decode(root, validate=True), more
            except ValueError:
                pass
    def notes(self, path):
        """The same for each line of a file."""
        for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
            try:
                note = json.loads(line)
                yield self.open(note) if isinstance(note, str) else None
            except (ValueError, UnicodeError):
                yield None

class Log:
    """The chain and the tree, as far as they were followed."""
    def __init__(self, name, size=0, last=None, tree=()):
        self.size, self.tree = size, list(tree)
        self.last = last or sha256(b"\2onedoor audit log 1\n", name.encode())
    def push(self, leaf):
        self.last, size = leaf, self.size
        while size & 1:
            leaf, size = sha256(b"\1", self.tree.pop(), leaf), size >> 1
        self.tree.append(leaf)
        self.size += 1
    def root(self):
        root = self.tree[-1] if self.tree else sha256(b"")
        for left in reversed(self.tree[:-1]):
            root = sha256(b"\1", left, root)
        return root

def header(body):
    """Size, hash before and tree of a segment's first record; None where it is none."""
    try:
        record = json.loads(body + b"}")
        tree = [bytes.fromhex(it) for it in record["tree"]]
        is_one = (record["event"], record["format"]) == ("audit.segment", 1)
        is_one = is_one and len(tree) == bin(record["seq"]).count("1")
        return (record["origin"], record["seq"], bytes.fromhex(record["prev"]), tree) if is_one else None
    except (KeyError, TypeError, ValueError):
        return None

def read(line):
    """Number, body and hash of a line; None where its shape or its checksum is wrong."""
    match = LINE.fullmatch(line)
    is_right = match and crc32c(line[:-19]) == int(match[4], 16) and int(match[2]) < 2**64
    return (int(match[2]), match[1], bytes.fromhex(match[3].decode())) if is_right else None

def seals(path, key):
    """The first record of each segment that went, and the log behind it."""
    log = Log(key.name)
    for size, root, more in (it or (0, b"", "") for it in key.notes(path)):
        first, prev, last, tree = (SEAL.fullmatch(more) or re.match("(0?)()()()", "0")).groups()
        after = Log(key.name, size, bytes.fromhex(last), map(bytes.fromhex, tree.split(" ")))
        is_one = len(after.tree) == bin(size).count("1") and after.root() == root and int(first) < size
        kind = "gap" if int(first) > log.size else "reorder" if int(first) < log.size else "forged"
        if not is_one or int(first) != log.size or prev != log.last.hex():
            raise Damage(log.size, kind if is_one else "bad-signature", SEALED)
        log = after
        yield int(first), log

def text(path):
    """What a segment holds, as far as it is whole, and whether it is."""
    rest, held = path.read_bytes(), b""
    while path.suffix == ".gz" and rest:
        packed, size = (int.from_bytes(rest[at : at + 4], "little") for at in (16, 20))
        one, member = rest[: packed + 32], zlib.decompressobj(31)
        try:
            raw = member.decompress(one, size + 1)
        except zlib.error:
            return held, False
        is_whole = one.startswith(MEMBER) and len(one) == packed + 32 and member.eof and not member.unused_data
        if not is_whole or len(raw) != size or max(packed, size) > 1 << 25:
            return held, False
        held, rest = held + raw, rest[len(one) :]
    return held or rest, True

def check(folder, key, outside, start):
    lines = list(key.notes(folder / CHECKPOINTS))  # first: the log may grow meanwhile
    notes = sorted((it for it in [*lines, outside] if it), key=lambda it: it[0])
    names = (it for it in folder.iterdir() if re.fullmatch(r"[0-9]{20}\.jsonl(\.gz)?", it.name))
    names = {int(it.name[:20]): it for it in sorted(names, reverse=True)}  # of two, the shorter name
    names = sorted(it for it in names.items() if it[0] >= (start or 0))
    if not names:
        raise Unchecked("no segment")
    log, sealed = Log(key.name), list(seals(folder / SEALED, key)) if start is None else []
    line = start is not None and read(text(names[0][1])[0].partition(b"\n")[0])
    here = line and names[0][0] and header(line[1])
    log = Log(key.name, *here[1:]) if here and here[0] == key.name else log
    signed, count = log.size, 0
    def meet():
        nonlocal signed, count
        if sealed and sealed[0][1].size <= log.size:
            first, after = sealed.pop(0)
            if (after.last, after.tree) != (log.last, log.tree):
                raise Damage(first, "forged", f"not what was sealed up to record {log.size}")
        while notes and notes[0][0] <= log.size:
            size, root, _ = notes.pop(0)
            if size == log.size and root != log.root():
                raise Damage(signed, "forged", f"not what was signed for {size} records")
            signed, count = size, count + 1
    while True:
        notes = [it for it in notes if it[0] >= log.size]
        meet()
        signed = begin = log.size
        if not sealed or sealed[0][1].size > names[0][0]:
            break
        log = sealed[0][1]
    for number, path in names:
        held, is_whole = text(path)
        *lines_here, tail = held.split(b"\n")
        for index, line in enumerate(lines_here):
            seq, body, found = read(line) or (None, b"", b"")
            if seq not in (None, log.size):
                later = any(it and it[0] == log.size for it in map(read, lines_here[index + 1 :]))
                raise Damage(log.size, "reorder" if later or seq < log.size else "gap", path.name)
            here = (key.name, log.size, log.last, log.tree)
            is_next = sha256(b"\0", len(body).to_bytes(8, "big"), log.last, body) == found
            if not is_next or index == 0 and (number != log.size or header(body) != here):
                raise Damage(log.size, "modified", path.name)
            log.push(found)
            meet()
        if not is_whole or tail and path != names[-1][1]:
            raise Damage(log.size, "modified", path.name)
    if sealed or notes:
        raise Damage(log.size, "truncated", "more records were sealed or signed")
    if None in lines:
        raise Damage(signed, "bad-signature", CHECKPOINTS)
    if not count or (outside and outside[0] < begin):
        raise Unchecked("no checkpoint, or the one from elsewhere is older than the log")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--key", required=True)
parser.add_argument("--checkpoint", type=pathlib.Path)
parser.add_argument("--from", type=int, dest="start")
parser.add_argument("folders", nargs="+", type=pathlib.Path)
arguments, worst = parser.parse_args(), 0
for folder in arguments.folders:
    try:
        key = Key(arguments.key)
        outside = arguments.checkpoint and key.open(arguments.checkpoint.read_text())
        if arguments.checkpoint and not outside:
            raise Unchecked("the checkpoint is not signed by this key")
        code, told = 0, check(folder, key, outside, arguments.start) or "ok"
    except Damage as damage:
        code, told = 1, damage
    except (Unchecked, OSError, ValueError) as error:
        code, told = 2, f"unchecked: {error}"
    worst = max(worst, code)
    print(told)
sys.exit(worst)
