#!/usr/bin/env python3
"""Checks logs of Onedoor offline: a second verifier, from docs/audit-log.md alone. It needs the package cryptography.
Prints `ok`, `unchecked: why` or `KIND at record N: what` for each. Exit code: 0 all ok, 1 damage, 2 unchecked."""

import argparse, base64, contextlib, functools, hashlib, json, math, pathlib, re, sys, zlib  # noqa: E401

CHECKPOINTS, KEYS, SEALED, HEX = "checkpoints.jsonl", "keys.jsonl", "sealed.jsonl", "[0-9a-f]{64}"
PRIME, MEMBER = 2**255 - 19, bytes.fromhex("1f8b080400000000 00ff0c004f440800")
LINE = re.compile(rb'(\{"seq":(0|[1-9][0-9]{0,19}),.*),"hash":"([0-9a-f]{64})","crc":"([0-9a-f]{8})"\}', re.DOTALL)
NOTE = re.compile("((.*)\n(0|[1-9][0-9]{0,19})\n([A-Za-z0-9+/]{43}=)\n((?:.*\n)*))\n((?:.+\n)+)")
CHANGE = re.compile("\nfrom (.*)\nto (.*)\n\n")
SEAL = re.compile(rf"sealed ([0-9]+)\nprev ({HEX})\nlast ({HEX})\ntree ({HEX}(?: {HEX})*)\ntime .*\nbytes \d+\n")
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

def is_signed(text, signed, key):
    """Whether a signature, as its line has it, is by this key."""
    sign, y = divmod(int.from_bytes(key[2], "little"), 1 << 255)
    is_point = y < PRIME and not (sign and y in (1, PRIME - 1))  # RFC 8032, 5.1.3: OpenSSL takes others, too
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        raw = base64.b64decode(signed, validate=True)
        Ed25519PublicKey.from_public_bytes(key[2]).verify(raw[4:], text.encode())
    except ImportError:
        raise ImportError("cryptography is missing: pip install cryptography, or apt install python3-cryptography")
    except (InvalidSignature, ValueError):
        return False
    return is_point and raw[:4].hex() == key[1] and base64.b64encode(raw).decode() == signed

@functools.lru_cache(maxsize=None)
def opened(note, key):
    """Size, root and what else a checkpoint says; None where it is not one of this key."""
    match = NOTE.fullmatch(note)
    signatures = re.findall(f"^\u2014 {re.escape(key[0])} (.+)$", match[6], re.MULTILINE) if match else []
    if any(is_signed(match[1], it, key) for it in signatures) and match[2] == key[0]:
        return int(match[3]), base64.b64decode(match[4]), match[5]

def texts(path):
    """What the lines of a file say; nothing for one that holds no text."""
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        try:
            yield json.loads(line.decode()).encode().decode()
        except (AttributeError, RecursionError, ValueError):
            yield ""

def opener(path, key):
    """What opens the notes of a log. Each key signs for no more records than when another followed it."""
    keys, size, last = [], 0, None
    for note in texts(path):
        try:
            old, new = map(parse_key, CHANGE.search(note).groups())
            found, is_by_both = opened(note, old), opened(note, old) == opened(note, new) and old != new
            if not is_by_both or new[0] != key[0] or last not in (None, old) or found[0] < size:
                raise ValueError
        except (AttributeError, TypeError, ValueError):
            raise Damage("bad-signature", size, KEYS) from None
        size, last = found[0], new
        keys.append((old, size))
    keys = [*keys, (last, math.inf)] if key in (*dict(keys), last) else [(key, math.inf)]
    return lambda note: next((it for by, most in keys if (it := opened(note, by)) and it[0] <= most), None)

class Log:
    """The chain and the tree, as far as they were followed."""
    def __init__(self, name, size=0, last=None, tree=()):
        self.size, self.tree = size, list(tree)
        self.last = last or sha256(b"\2onedoor audit log 1\n", name.encode())
    def push(self, leaf):
        self.last, size, self.size = leaf, self.size, self.size + 1
        while size & 1:
            leaf, size = sha256(b"\1", self.tree.pop(), leaf), size >> 1
        self.tree.append(leaf)
    def root(self):
        return functools.reduce(lambda up, left: sha256(b"\1", left, up), reversed(self.tree or [sha256()]))

def header(body):
    """Name, size, hash before and tree, as the first record of a segment has them; None where it is none."""
    with contextlib.suppress(KeyError, RecursionError, TypeError, ValueError):
        record = json.loads((body + b"}").decode())
        tree = [bytes.fromhex(it) for it in record["tree"]]
        if (record["event"], record["format"], len(tree)) == ("audit.segment", 1, bin(record["seq"]).count("1")):
            return record["origin"], record["seq"], bytes.fromhex(record["prev"]), tree

def read(line):
    """Number, body and hash of a line; None where its shape or its checksum is wrong."""
    match = LINE.fullmatch(line)
    crc = functools.reduce(lambda crc, it: crc >> 8 ^ CRC[(crc ^ it) & 0xFF], line[:-19], 0xFFFFFFFF)
    is_right = match and crc ^ 0xFFFFFFFF == int(match[4], 16) and int(match[2]) < 2**64
    return (int(match[2]), match[1], bytes.fromhex(match[3].decode())) if is_right else None

def seals(path, name, open_note):
    """The first record of each segment that went, and the log behind it."""
    log = Log(name)
    for size, root, more in (open_note(it) or (0, b"", "") for it in texts(path)):
        match = SEAL.fullmatch(more)
        after = match and Log(name, size, bytes.fromhex(match[3]), map(bytes.fromhex, match[4].split(" ")))
        first = int(match[1]) if match and after.root() == root and len(after.tree) == bin(size).count("1") else size
        if first >= size:
            raise Damage("bad-signature", log.size, SEALED)
        if first != log.size or match[2] != log.last.hex():
            raise Damage("gap" if first > log.size else "reorder" if first < log.size else "forged", log.size, SEALED)
        log = after
        yield first, log

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
    name, lines = key[0], list(texts(folder / CHECKPOINTS))  # first: the log may grow meanwhile
    open_note = opener(folder / KEYS, key)
    *lines, outside = map(open_note, [*lines, checkpoint.read_bytes().decode() if checkpoint else ""])
    if checkpoint and not outside:
        raise ValueError("the checkpoint is not signed by a key of this log")
    notes = sorted(filter(None, [*lines, *map(open_note, texts(folder / KEYS)), outside]), key=lambda it: it[0])
    files = (it for it in folder.iterdir() if re.fullmatch(r"[0-9]{20}\.jsonl(\.gz)?", it.name))
    files = {int(it.name[:20]): it for it in sorted(files, reverse=True)}  # of two, the shorter name
    files = sorted(it for it in files.items() if it[0] >= (start or 0))
    if not files:
        raise ValueError("no segment")
    sealed = list(seals(folder / SEALED, name, open_note)) if start is None else []
    line = start is not None and files[0][0] and read(text(files[0][1]).partition(b"\n")[0])
    here = line and header(line[1])
    log = Log(*here) if here and here[0] == name else Log(name)
    signed, count = log.size, 0
    def meet():
        nonlocal signed, count
        if sealed and sealed[0][1].size <= log.size:
            first, after = sealed.pop(0)
            if (after.last, after.tree) != (log.last, log.tree):
                raise Damage("forged", first, f"not what was sealed up to record {log.size}")
        while notes and notes[0][0] <= log.size:
            size, root, _ = notes.pop(0)
            if root != log.root():
                raise Damage("forged", signed, f"not what was signed for {size} records")
            signed, count = size, count + 1
    for log in [log, *(it for _, it in sealed if it.size <= files[0][0])]:
        notes = [it for it in notes if it[0] >= log.size]
        meet()
        signed = begin = log.size
    for number, path in files:
        *lines_here, tail = text(path).split(b"\n")
        for index, line in enumerate(lines_here):
            seq, body, found = read(line) or (None, b"", b"")
            if seq not in (None, log.size):
                later = any(it and it[0] == log.size for it in map(read, lines_here[index + 1 :]))
                raise Damage("reorder" if later or seq < log.size else "gap", log.size, path.name)
            here = (name, log.size, log.last, log.tree)
            is_next = sha256(b"\0", len(body).to_bytes(8, "big"), log.last, body) == found
            if not is_next or index == 0 and (number != log.size or header(body) != here):
                raise Damage("modified", log.size, path.name)
            log.push(found)
            meet()
        if tail and path != files[-1][1]:
            raise Damage("modified", log.size, path.name)
    if sealed or notes:
        raise Damage("truncated", log.size, "more records were sealed or signed")
    if None in lines:
        raise Damage("bad-signature", signed, CHECKPOINTS)
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
        code, told = 0, check(folder, parse_key(arguments.key), arguments.checkpoint, arguments.start) or "ok"
    except Damage as damage:
        code, told = 1, "{} at record {}: {}".format(*damage.args)
    except (ImportError, OSError, ValueError) as error:
        code, told = 2, f"unchecked: {error}"
    worst = max(worst, code)
    print(told)
sys.exit(worst)
