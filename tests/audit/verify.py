#!/usr/bin/env python3
"""Checks logs of Onedoor offline: a second verifier, written from docs/audit-log.md alone.

    verify.py --key NAME+ID+BASE64 [--checkpoint FILE] FOLDER...

Prints a line for each: `ok`, `unchecked: why` or `KIND at record N: what`. The exit code is the worst of
all: 0 nothing wrong, 1 damage, 2 could not be checked.
"""

import argparse
import base64
import functools
import hashlib
import json
import pathlib
import re
import sys

from ed25519 import is_signed

CHECKPOINTS = "checkpoints.jsonl"
LINE = re.compile(rb'(\{"seq":(0|[1-9][0-9]*),.*),"hash":"([0-9a-f]{64})","crc":"([0-9a-f]{8})"\}', re.DOTALL)


class Damage(Exception):
    def __init__(self, seq, kind, detail):
        super().__init__(f"{kind} at record {seq}: {detail}")


class Unchecked(Exception):
    pass


CRC = list(range(256))
for _ in range(8):
    CRC = [it >> 1 ^ (0x82F63B78 if it & 1 else 0) for it in CRC]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Key:
    def __init__(self, text):
        self.name, self.id, key = text.strip().split("+", 2)
        key = base64.b64decode(key, validate=True)
        expected = sha256(self.name.encode(), b"\n", key)[:4].hex()
        if len(key) != 33 or key[0] != 1 or expected != self.id:
            raise Unchecked("the key is none")
        self.key = key[1:]

    @functools.lru_cache(maxsize=None)
    def open(self, note):
        """Size and root of a checkpoint; None where it is not one of this key."""
        text, found, signatures = note.rpartition("\n\n")
        text += "\n"
        for line in signatures.split("\n")[:-1] if found and signatures.endswith("\n") else []:
            try:
                dash, name, signed = line.split(" ")
                signed = base64.b64decode(signed, validate=True)
                is_ours = dash == "\u2014" and name == self.name and signed[:4].hex() == self.id
                if is_ours and is_signed(self.key, text.encode(), signed[4:]):
                    origin, size, root = text.split("\n")[:3]
                    if origin == self.name and re.fullmatch("0|[1-9][0-9]*", size):
                        return int(size), base64.b64decode(root, validate=True)
            except ValueError:
                continue
        return None


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
        is_one = record["event"] == "audit.segment" and record["format"] == 1
        is_one = is_one and len(tree) == bin(record["seq"]).count("1")
        return (record["origin"], record["seq"], bytes.fromhex(record["prev"]), tree) if is_one else None
    except (KeyError, TypeError, ValueError):
        return None


def read(line):
    """Number, body and hash of a line; None where its shape or its checksum is wrong."""
    match = LINE.fullmatch(line)
    is_right = match and crc32c(line[:-19]) == int(match[4], 16) and int(match[2]) < 2**64
    return (int(match[2]), match[1], bytes.fromhex(match[3].decode())) if is_right else None


def checkpoints(folder, key, outside):
    notes, is_bad = [outside] if outside else [], False
    path = folder / CHECKPOINTS
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        try:
            note = json.loads(line)
            opened = key.open(note) if isinstance(note, str) else None
        except (ValueError, UnicodeError):
            opened = None
        notes, is_bad = notes + [opened] if opened else notes, is_bad or opened is None
    return sorted(notes, key=lambda it: it[0]), is_bad


def check(folder, key, outside):
    notes, is_bad = checkpoints(folder, key, outside)  # first: the log may grow meanwhile
    names = sorted(it for it in folder.iterdir() if re.fullmatch(r"[0-9]{20}\.jsonl", it.name))
    if not names:
        raise Unchecked("no segment")
    first = read(names[0].read_bytes().partition(b"\n")[0])
    start = first and int(names[0].stem) and header(first[1])
    log = Log(key.name, *start[1:]) if start and start[0] == key.name else Log(key.name)
    notes, signed, begin, count = [it for it in notes if it[0] >= log.size], log.size, log.size, 0

    def meet():
        nonlocal signed, count
        while notes and notes[0][0] <= log.size:
            size, root = notes.pop(0)
            if size == log.size and root != log.root():
                raise Damage(signed, "forged", f"not what was signed for {size} records")
            signed, count = size, count + 1

    meet()
    for name in names:
        *lines, tail = name.read_bytes().split(b"\n")
        for index, line in enumerate(lines):
            frame = read(line)
            if frame is None:
                raise Damage(log.size, "modified", name.name)
            seq, body, found = frame
            if seq != log.size:
                later = (read(it) for it in lines[index + 1 :])
                is_moved = seq < log.size or any(it and it[0] == log.size for it in later)
                raise Damage(log.size, "reorder" if is_moved else "gap", name.name)
            if sha256(b"\0", len(body).to_bytes(8, "big"), log.last, body) != found:
                raise Damage(log.size, "modified", name.name)
            here = (key.name, log.size, log.last, log.tree)
            if index == 0 and (int(name.stem) != log.size or header(body) != here):
                raise Damage(log.size, "modified", name.name)
            log.push(found)
            meet()
        if tail and name != names[-1]:
            raise Damage(log.size, "modified", name.name)
    if notes:
        raise Damage(log.size, "truncated", f"{notes[-1][0]} records were signed")
    if is_bad:
        raise Damage(signed, "bad-signature", CHECKPOINTS)
    if not count or (outside and outside[0] < begin):
        raise Unchecked("no checkpoint, or the one from elsewhere is older than the log")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--key", required=True)
    parser.add_argument("--checkpoint", type=pathlib.Path)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments, worst = parser.parse_args(), 0
    for folder in arguments.folders:
        try:
            key = Key(arguments.key)
            outside = arguments.checkpoint and key.open(arguments.checkpoint.read_text())
            if arguments.checkpoint and not outside:
                raise Unchecked("the checkpoint is not signed by this key")
            code, told = 0, check(folder, key, outside) or "ok"
        except Damage as damage:
            code, told = 1, damage
        except (Unchecked, OSError, ValueError) as error:
            code, told = 2, f"unchecked: {error}"
        worst = max(worst, code)
        print(told)
    return worst


sys.exit(main())
