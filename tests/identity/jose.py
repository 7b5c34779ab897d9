"""Tokens made by four independent libraries, good and bad, for a door that trusts their keys.

    PYTHON jose.py ISSUER AUDIENCE

Prints one JSON object: "jwks", the public keys as the libraries write them, and "tokens", each with
who made it, what it is, whether it is good, and the token itself. Client and person are the same in
all of them, so that every good one leads to the same profile.
"""

import base64
import json
import sys
import time
import warnings

warnings.simplefilter("ignore")  # authlib says that joserfc is its successor: both are tried.

import jwt
from authlib.jose import JsonWebEncryption, JsonWebKey, JsonWebSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from jwcrypto import jwe as crypto_jwe
from jwcrypto import jwk as crypto_jwk
from jwcrypto import jws as crypto_jws

ISSUER, AUDIENCE = sys.argv[1:3]
NOW = int(time.time())

# By algorithm: the kind of key, and its size or curve.
KINDS = {
    "RS256": ("RSA", 2048),
    "RS384": ("RSA", 2048),
    "RS512": ("RSA", 2048),
    "PS256": ("RSA", 2048),
    "PS384": ("RSA", 2048),
    "PS512": ("RSA", 2048),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}


class Authlib:
    name = "authlib"

    def key(self, kind, size):
        return JsonWebKey.generate_key(kind, size, is_private=True)

    def public(self, key):
        jwk = dict(key.as_dict(is_private=False))
        # It leaves leading zeros away, which RFC 7518 section 6.2.1.2 wants, and the door too.
        sizes = {"P-256": 32, "P-384": 48, "P-521": 66}
        if jwk["kty"] == "EC":
            for name in ["x", "y"]:
                number = base64.urlsafe_b64decode(jwk[name] + "==")
                jwk[name] = encode(number.rjust(sizes[jwk["crv"]], b"\0"))
        return jwk

    def secret(self, value):
        return JsonWebKey.import_key({"kty": "oct", "k": encode(value)})

    def sign(self, header, payload, key):
        signer = JsonWebSignature(private_headers=list(header))
        return signer.serialize_compact(header, payload, key).decode()

    def encrypt(self, header, payload, key):
        return JsonWebEncryption().serialize_compact(header, payload, key).decode()


class Joserfc:
    name = "joserfc"

    def key(self, kind, size):
        return {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}[kind].generate_key(size)

    def public(self, key):
        return key.as_dict(private=False)

    def secret(self, value):
        return OctKey.import_key(value)

    def sign(self, header, payload, key):
        names = [header["alg"]]
        registry = jws.JWSRegistry(algorithms=names, strict_check_header=False)
        return jws.serialize_compact(header, payload, key, registry=registry)

    def encrypt(self, header, payload, key):
        return jwe.encrypt_compact(header, payload, key)


class PyJwt:
    name = "pyjwt"

    def key(self, kind, size):
        if kind == "RSA":
            return rsa.generate_private_key(65537, size)
        if kind == "EC":
            curves = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
            return ec.generate_private_key(curves[size]())
        return ed25519.Ed25519PrivateKey.generate()

    def public(self, key):
        algorithms = {
            rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
            ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
            ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
        }
        kind = next(it for it in algorithms if isinstance(key, it))
        return json.loads(algorithms[kind].to_jwk(key.public_key()))

    def secret(self, value):
        return value

    def sign(self, header, payload, key):
        headers = {name: value for name, value in header.items() if name != "alg"}
        return jwt.PyJWS().encode(payload, key, header["alg"], headers)

    encrypt = None  # It makes no encrypted tokens.


class JwCrypto:
    name = "jwcrypto"

    def key(self, kind, size):
        named = {"size": size} if kind == "RSA" else {"crv": size}
        return crypto_jwk.JWK.generate(kty=kind, **named)

    def public(self, key):
        return key.export_public(as_dict=True)

    def secret(self, value):
        return crypto_jwk.JWK(kty="oct", k=encode(value))

    def sign(self, header, payload, key):
        token = crypto_jws.JWS(payload)
        token.allowed_algs = [header["alg"]]
        known = crypto_jws.JWSHeaderRegistry
        for name in header:
            if name not in known:
                token.header_registry[name] = crypto_jws.JWSEHeaderParameter(name, False, True, None)
        token.add_signature(key, header["alg"], json.dumps(header))
        return token.serialize(compact=True)

    def encrypt(self, header, payload, key):
        token = crypto_jwe.JWE(payload, json.dumps(header))
        public = crypto_jwk.JWK(**key.export_public(as_dict=True))
        token.add_recipient(public)
        return token.serialize(compact=True)


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def claims(**changes):
    """Claims with nothing wrong but what is changed; None takes one away."""
    all_of_them = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "client_id": "proof",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 600,
        "jti": "1",
    } | changes
    return json.dumps({k: v for k, v in all_of_them.items() if v is not None}).encode()


def forged(signed: str, payload: bytes) -> str:
    """Another payload below the same signature."""
    header, _, signature = signed.split(".")
    return f"{header}.{encode(payload)}.{signature}"


class Desk:
    """Makes all tokens of one library."""

    def __init__(self, maker):
        self.maker = maker
        self.keys, self.jwks, self.tokens = {}, [], []
        for algorithm, (kind, size) in KINDS.items():
            kid = f"{maker.name}-{algorithm}"
            key = maker.key(kind, size)
            self.keys[algorithm] = key
            # What else a library writes about a key stands; these three it may leave out.
            jwk = dict(maker.public(key)) | {"kid": kid, "alg": algorithm, "use": "sig"}
            self.jwks.append(jwk)

    def header(self, algorithm="ES256", **changes):
        kid = f"{self.maker.name}-{algorithm}"
        header = {"alg": algorithm, "typ": "at+jwt", "kid": kid} | changes
        return {name: value for name, value in header.items() if value is not None}

    def sign(self, header=None, payload=None, key=None):
        header = header or self.header()
        key = key or self.keys[header["alg"]]
        return self.maker.sign(header, payload or claims(), key)

    def add(self, what, is_good, make):
        try:
            token = make()
        except Exception as error:  # A library that refuses to make it says so in the list.
            said = f"{type(error).__name__}: {error}"
            row = {"maker": self.maker.name, "what": what, "good": is_good, "unmade": said}
        else:
            row = {"maker": self.maker.name, "what": what, "good": is_good, "token": token}
        self.tokens.append(row)

    def good(self, what, **parts):
        self.add(what, True, lambda: self.sign(**parts))

    def bad(self, what, **parts):
        self.add(what, False, lambda: self.sign(**parts))

    def make_all(self):
        for algorithm in KINDS:
            self.good(algorithm, header=self.header(algorithm))
        self.good("no kid", header=self.header(kid=None))
        self.good("media type in full", header=self.header(typ="application/at+jwt"))
        self.good("among other audiences", payload=claims(aud=["other", AUDIENCE]))
        self.good("no iat, nbf, jti", payload=claims(iat=None, nbf=None, jti=None))
        self.good("text beyond ASCII", payload=claims(name="Zoë ✓ 𝄞"))
        self.make_bad_claims()
        self.make_bad_headers()
        self.make_bad_keys()
        self.make_other_forms()

    def make_bad_claims(self):
        for what, changes in {
            "expired": {"exp": NOW - 1},
            "no exp": {"exp": None},
            "exp as text": {"exp": str(NOW + 600)},
            "exp without end": {"exp": 1e300},
            "nbf ahead": {"nbf": NOW + 600},
            "iat ahead": {"iat": NOW + 600},
            "another audience": {"aud": "https://other.example"},
            "audience with more behind": {"aud": AUDIENCE + ".example"},
            "no audience": {"aud": None},
            "another issuer": {"iss": "https://other.example"},
            "issuer with a slash": {"iss": ISSUER + "/"},
            "another client": {"client_id": "somebody"},
            "bound to a key": {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
        }.items():
            self.bad(what, payload=claims(**changes))
        self.bad("payload that is no object", payload=b'["a"]')
        self.bad("payload that is no JSON", payload=b"ann")
        twice = claims()[:-1] + b', "sub": "eve"}'
        self.bad("a claim twice", payload=twice)

    def make_bad_headers(self):
        for what, changes in {
            "an ID token's type": {"typ": "JWT"},
            "no type": {"typ": None},
            "a proof's type": {"typ": "dpop+jwt"},
            "unknown kid": {"kid": "nobody"},
            "kid as a path": {"kid": "../../../../dev/null"},
            "its own key's address": {"jku": "https://evil.example/jwks"},
            "critical and unknown": {"crit": ["magic"], "magic": 1},
            "compressed": {"zip": "DEF"},
            "nested": {"cty": "JWT"},
        }.items():
            self.bad(what, header=self.header(**changes))
        stranger = self.maker.key("EC", "P-256")
        own = self.header(jwk=dict(self.maker.public(stranger)))
        self.bad("its own key", header=own, key=stranger)

    def make_bad_keys(self):
        stranger = {
            "RS256": self.maker.key("RSA", 2048),
            "ES256": self.maker.key("EC", "P-256"),
            "EdDSA": self.maker.key("OKP", "Ed25519"),
        }
        for algorithm, key in stranger.items():
            self.bad(f"a stranger's key, {algorithm}", header=self.header(algorithm), key=key)
        # The public key, which everybody has, taken for a shared secret.
        public = json.dumps(dict(self.maker.public(self.keys["RS256"]))).encode()
        kid = f"{self.maker.name}-RS256"
        for algorithm in ["HS256", "HS384", "HS512"]:
            header = self.header(algorithm, kid=kid)
            self.bad(f"{algorithm} by a public key", header=header, key=self.maker.secret(public))
        self.bad("RS256 by a key for PS256", header=self.header("RS256", kid=f"{self.maker.name}-PS256"))
        self.bad("ES384 by the name of a key for ES256", header=self.header("ES384", kid=f"{self.maker.name}-ES256"))

    def make_other_forms(self):
        signed = self.sign()
        header, payload, signature = signed.split(".")
        evil = claims(sub="eve")
        none = encode(json.dumps(self.header("none", kid=None)).encode())
        flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
        for what, token in {
            "another payload": forged(signed, evil),
            "another header": f"{encode(json.dumps(self.header('ES256', x='y')).encode())}.{payload}.{signature}",
            "no algorithm, no signature": f"{none}.{payload}.",
            "no algorithm, a signature": f"{none}.{payload}.{signature}",
            "a bit of the signature": f"{header}.{payload}.{flipped}",
            "signature cut": signed[:-4],
            "padding": signed + "==",
            "JSON form": json.dumps(
                {"protected": header, "payload": payload, "signature": signature},
                separators=(",", ":"),
            ),
        }.items():
            self.add(what, False, lambda token=token: token)
        if self.maker.encrypt:
            sealed = {"alg": "RSA-OAEP", "enc": "A256GCM", "typ": "at+jwt", "kid": f"{self.maker.name}-RS256"}
            key = self.keys["RS256"]
            self.add("encrypted", False, lambda: self.maker.encrypt(sealed, claims(), key))
            nested = sealed | {"cty": "JWT"}
            self.add("signed and encrypted", False, lambda: self.maker.encrypt(nested, signed.encode(), key))


def main():
    desks = [Desk(maker()) for maker in (Authlib, Joserfc, PyJwt, JwCrypto)]
    for desk in desks:
        desk.make_all()
    keys = [jwk for desk in desks for jwk in desk.jwks]
    tokens = [row for desk in desks for row in desk.tokens]
    json.dump({"jwks": {"keys": keys}, "tokens": tokens}, sys.stdout)


main()
