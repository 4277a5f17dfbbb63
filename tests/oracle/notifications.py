"""Values for the signatures of `src/schedule/notify/signature.rs`, by Python's `hmac` and `hashlib`.

    python tests/oracle/notifications.py  # writes tests/data/oracle/notifications.json

`v1` is HMAC-SHA256 in hexadecimal digits over the time in decimal, a full stop, and the body, all in UTF-8. Two of the keys
are as long as, and longer than, the block of SHA-256 (64 bytes), where HMAC treats keys differently.
"""

import hashlib
import hmac
import json
import pathlib

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


def main():
    signatures = [
        {"secret": secret, "time": time, "body": body, "v1": v1(secret, time, body)} for secret, time, body in CASES
    ]
    path = pathlib.Path(__file__).parents[1] / "data" / "oracle" / "notifications.json"
    path.write_text(json.dumps({"signatures": signatures}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
