//! The signature by which a receiver knows that a message came from here, as it is, and just now.
//!
//! HMAC-SHA256 (RFC 2104, FIPS 180-4) over `TIME.BODY`: the time of sending in seconds since 1970 in decimal digits, a full
//! stop, and the body's bytes. The header is `t=TIME,v1=HEX` with 64 lower-case hexadecimal digits. The time is signed, so that
//! a receiver can refuse what is older than some minutes: nobody can send a message again that was overheard.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::Revealed;

/// The value of the header `Gristmill-Signature`.
pub(super) fn header(secret: &Revealed, time: i64, body: &[u8]) -> String {
    format!("t={time},v1={}", hex(secret.expose().as_bytes(), time, body))
}

fn hex(key: &[u8], time: i64, body: &[u8]) -> String {
    // A key of any length is one; the other arm cannot be reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(time.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// `tests/oracle/notifications.py`.
    #[test]
    fn signatures_are_those_of_python() {
        let stored: Value =
            serde_json::from_str(include_str!("../../../tests/data/oracle/notifications.json")).unwrap();
        let cases = stored["signatures"].as_array().unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let body = case["body"].as_str().unwrap();
            let found =
                hex(case["secret"].as_str().unwrap().as_bytes(), case["time"].as_i64().unwrap(), body.as_bytes());
            assert_eq!(found, case["v1"].as_str().unwrap(), "{case}");
        }
    }
}
