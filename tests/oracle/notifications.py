"""Values for the signatures of `src/schedule/notify/signature.rs`, by Python's `hmac` and `hashlib`.

    python tests/oracle/notifications.py  # writes tests/data/oracle/notifications.json

`v1` is HMAC-SHA256 in hexadecimal digits over the time in decimal, a full stop, and the body, all in UTF-8. Two of the keys
are as long as, and longer than, the block of SHA-256 (64 bytes), where HMAC treats keys differently.

The function that `docs/notifications.md` gives to receivers is taken from there and tried on all of them: it must accept each
header, and refuse it late, early, with another body, another key, another time, and in pieces.
"""

import hashlib
import hmac
import json
import pathlib
import re

BODY = '{"version":1,"event":"failure","text":"nightly failed","job":"nightly","state":"failed"}'

CASES = [
    ("key", 0, ""),
    ("key", 1700000000, "{}"),
    ("4f3c2a1b5d6e7f8091a2b3c4d5e6f708", 1795811696, BODY),
    ("4f3c2a1b5d6e7f8091a2b3c4d5e6f708", 1795811697, BODY),
    ("4f3c2a1b5d6e7f8091a2b3c4d5e6f708", 1795811696, BODY + " "),
    ("k" * 64, 1795811696, BODY),
    ("k" * 65, 1795811696, BODY),
    ("päßwörter ✓", 253402300799, '{"text":"Ähren und Spreu – «μ»"}'),
    (" spaces count ", 1, "1.2.3"),
]


def v1(secret, time, body):
    return hmac.new(secret.encode(), f"{time}.{body}".encode(), hashlib.sha256).hexdigest()


def documented():
    """The function of the documentation."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "notifications.md"
    (snippet,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(compile(snippet, str(page), "exec"), names)
    return names["is_genuine"]


def try_documented(signatures):
    is_genuine = documented()
    for case in signatures:
        secret, time, header, body = case["secret"], case["time"], case["header"], case["body"].encode()
        for now in (time, time + 300, time - 300):
            assert is_genuine(secret, header, body, now=now), case
        assert not is_genuine(secret, header, body, now=time + 301), case
        assert not is_genuine(secret, header, body, now=time - 301), case
        assert not is_genuine(secret, header, body + b" ", now=time), case
        assert not is_genuine(secret + "x", header, body, now=time), case
        assert not is_genuine(secret, header.replace(f"t={time}", f"t={time + 1}"), body, now=time), case
        for broken in ("", "t=", f"t={time}", header[:-1], header.replace("v1=", "v0="), header.replace("t=", "t=-"), "ü=ü,t=²,v1=é"):
            assert not is_genuine(secret, broken, body, now=time), (case, broken)
    assert not is_genuine("key", signatures[0]["header"], b"")  # 1970 is long ago.


def main():
    signatures = [
        {"secret": secret, "time": time, "body": body, "v1": (mac := v1(secret, time, body)), "header": f"t={time},v1={mac}"}
        for secret, time, body in CASES
    ]
    try_documented(signatures)
    path = pathlib.Path(__file__).parents[1] / "data" / "oracle" / "notifications.json"
    path.write_text(json.dumps({"signatures": signatures}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
