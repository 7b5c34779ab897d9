#!/usr/bin/env python3
"""Checks logs of Onedoor offline: a second verifier, written from docs/audit-log.md alone.
Prints `ok`, `unchecked: why` or `KIND at record N: what` for each. Exit code: 0 all ok, 1 damage, 2 unchecked."""

import argparse, base64, contextlib, functools, hashlib, json, math, pathlib, re, sys, zlib  # noqa: E401
from ed25519 import is_signed

CHECKPOINTS, KEYS, SEALED, HEX = "checkpoints.jsonl", "keys.jsonl", "sealed.jsonl", "([0-9a-f]{64})"
MEMBER = bytes.fromhex("1f8b080400000000 00ff0c004f440800")
LINE = re.compile(rb'(\{"seq":(0|[1-9][0-9]*),.*),"hash":"([0-9a-f]{64})","crc":"([0-9a-f]{8})"\}', re.DOTALL)
CHANGE = re.compile("\nfrom (.*)\nto (.*)\n\n")
SEAL = re.compile(rf"sealed (\d+)\nprev {HEX}\nlast {HEX}\ntree ([0-9a-f ]+)\ntime .*\nbytes \d+\n", re.ASCII)
CRC = [functools.reduce(lambda it, _: it >> 1 ^ 0x82F63B78 * (it & 1), range(8), it) for it in range(256)]

class Damage(Exception): ...

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def parse_key(text):
    """Name, id and bytes of a public key."""
    name, short, key = text.strip().split("+", 2)
    key = base64.b64decode(key, validate=True)
    if len(key) != 33 or key[0] != 1 or sha256(name.encode(), b"\n", key)[:4].hex() != short:
        raise ValueError("the key is none")
    return name, short, key[1:]

@functools.lru_cache(maxsize=None)
def opened(note, key):
    """Size, root and what else a checkpoint says; None where it is not one of this key."""
    text, _, signatures = note.rpartition("\n\n")
    for name, signed in re.findall("^\u2014 ([^ \n]+) ([^ \n]+)\n", signatures, re.MULTILINE):
        try:
            origin, size, root, more = f"{text}\n".split("\n", 3)
            raw = base64.b64decode(signed, validate=True)
            is_ours = (name, raw[:4].hex(), origin, note[-1]) == (*key[:2], name, "\n")
            is_ours = is_ours and base64.b64encode(raw).decode() == signed and re.fullmatch("0|[1-9][0-9]*", size)
            if is_ours and is_signed(key[2], f"{text}\n".encode(), raw[4:]):
                return int(size), base64.b64decode(root, validate=True), more
        except ValueError:
            pass

def texts(path):
    """What the lines of a file say; nothing for one that holds no text."""
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        try:
            yield json.loads(line) + ""
        except (TypeError, ValueError):
            yield ""

class Keys:
    """The keys of a log, each with for how many records it may sign: no more than when another followed."""
    def __init__(self, path, key):
        self.name, self.all, size, last = key[0], [], 0, None
        for note in texts(path):
            try:
                old, new = map(parse_key, CHANGE.search(note).groups())
                found, by_both = opened(note, old), opened(note, old) == opened(note, new) and old != new
                if not by_both or new[0] != self.name or last not in (None, old) or found[0] < size:
                    raise ValueError
            except (AttributeError, TypeError, ValueError):
                raise Damage(size, "bad-signature", KEYS) from None
            size, last = found[0], new
            self.all.append((old, size))
        self.all.append((last or key, math.inf))
        self.all = self.all if key in dict(self.all) else [(key, math.inf)]
    def open(self, note):
        return next((it for key, most in self.all if (it := opened(note, key)) and it[0] <= most), None)

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
        up = functools.reduce(lambda root, left: sha256(b"\1", left, root), reversed(self.tree or [b""]))
        return up or sha256()

def header(body):
    """Size, hash before and tree of a segment's first record; None where it is none."""
    try:
        record = json.loads(body + b"}")
        tree = [bytes.fromhex(it) for it in record["tree"]]
        is_one = (record["event"], record["format"], len(tree)) == ("audit.segment", 1, bin(record["seq"]).count("1"))
        return (record["origin"], record["seq"], bytes.fromhex(record["prev"]), tree) if is_one else None
    except (KeyError, TypeError, ValueError):
        return None

def read(line):
    """Number, body and hash of a line; None where its shape or its checksum is wrong."""
    match = LINE.fullmatch(line)
    crc = functools.reduce(lambda crc, it: crc >> 8 ^ CRC[(crc ^ it) & 0xFF], line[:-19], 0xFFFFFFFF)
    is_right = match and crc ^ 0xFFFFFFFF == int(match[4], 16) and int(match[2]) < 2**64
    return (int(match[2]), match[1], bytes.fromhex(match[3].decode())) if is_right else None

def seals(path, keys):
    """The first record of each segment that went, and the log behind it."""
    log = Log(keys.name)
    for size, root, more in (keys.open(it) or (0, b"", "") for it in texts(path)):
        first, prev, last, tree = (SEAL.fullmatch(more) or re.match("(0?)()()()", "0")).groups()
        after = Log(keys.name, size, bytes.fromhex(last), map(bytes.fromhex, tree.split(" ")))
        is_one = len(after.tree) == bin(size).count("1") and after.root() == root and int(first) < size
        kind = "gap" if int(first) > log.size else "reorder" if int(first) < log.size else "forged"
        if not is_one or int(first) != log.size or prev != log.last.hex():
            raise Damage(log.size, kind if is_one else "bad-signature", SEALED)
        log = after
        yield int(first), log

def text(path):
    """What a segment holds; a line that is none stands for what cannot be unpacked."""
    rest, held = path.read_bytes(), b""
    while path.suffix == ".gz" and rest:
        packed, size = (int.from_bytes(rest[at : at + 4], "little") for at in (16, 20))
        one, member, raw = rest[: packed + 32], zlib.decompressobj(31), b""
        with contextlib.suppress(zlib.error):
            raw = member.decompress(one, size + 1)
        is_whole = one.startswith(MEMBER) and len(one) == packed + 32 and member.eof and not member.unused_data
        if not is_whole or len(raw) != size or max(packed, size) > 1 << 25:
            return held + b"?\n"
        held, rest = held + raw, rest[len(one) :]
    return held or rest

def check(folder, key, checkpoint, start):
    lines = list(texts(folder / CHECKPOINTS))  # first: the log may grow meanwhile
    keys = Keys(folder / KEYS, key)
    *lines, outside = map(keys.open, [*lines, checkpoint or ""])
    if checkpoint and not outside:
        raise ValueError("the checkpoint is not signed by a key of this log")
    changes = map(keys.open, texts(folder / KEYS))
    notes = sorted((it for it in [*lines, *changes, outside] if it), key=lambda it: it[0])
    names = (it for it in folder.iterdir() if re.fullmatch(r"[0-9]{20}\.jsonl(\.gz)?", it.name))
    names = {int(it.name[:20]): it for it in sorted(names, reverse=True)}  # of two, the shorter name
    names = sorted(it for it in names.items() if it[0] >= (start or 0))
    if not names:
        raise ValueError("no segment")
    log, sealed = Log(keys.name), list(seals(folder / SEALED, keys)) if start is None else []
    line = start is not None and read(text(names[0][1]).partition(b"\n")[0])
    here = line and names[0][0] and header(line[1])
    log = Log(keys.name, *here[1:]) if here and here[0] == keys.name else log
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
    for log in [log, *(it for _, it in sealed if it.size <= names[0][0])]:
        notes = [it for it in notes if it[0] >= log.size]
        meet()
        signed = begin = log.size
    for number, path in names:
        *lines_here, tail = text(path).split(b"\n")
        for index, line in enumerate(lines_here):
            seq, body, found = read(line) or (None, b"", b"")
            if seq not in (None, log.size):
                later = any(it and it[0] == log.size for it in map(read, lines_here[index + 1 :]))
                raise Damage(log.size, "reorder" if later or seq < log.size else "gap", path.name)
            here = (keys.name, log.size, log.last, log.tree)
            is_next = sha256(b"\0", len(body).to_bytes(8, "big"), log.last, body) == found
            if not is_next or index == 0 and (number != log.size or header(body) != here):
                raise Damage(log.size, "modified", path.name)
            log.push(found)
            meet()
        if tail and path != names[-1][1]:
            raise Damage(log.size, "modified", path.name)
    if sealed or notes:
        raise Damage(log.size, "truncated", "more records were sealed or signed")
    if None in lines:
        raise Damage(signed, "bad-signature", CHECKPOINTS)
    if not count or (outside and outside[0] < begin):
        raise ValueError("no checkpoint, or the one from elsewhere is older than the log")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--key", required=True)
parser.add_argument("--checkpoint", type=pathlib.Path)
parser.add_argument("--from", type=int, dest="start")
parser.add_argument("folders", nargs="+", type=pathlib.Path)
arguments, worst = parser.parse_args(), 0
for folder in arguments.folders:
    try:
        checkpoint = arguments.checkpoint and arguments.checkpoint.read_text()
        code, told = 0, check(folder, parse_key(arguments.key), checkpoint, arguments.start) or "ok"
    except Damage as damage:
        code, told = 1, "{1} at record {0}: {2}".format(*damage.args)
    except (OSError, ValueError) as error:
        code, told = 2, f"unchecked: {error}"
    worst = max(worst, code)
    print(told)
sys.exit(worst)
