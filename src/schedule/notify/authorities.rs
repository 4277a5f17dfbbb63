//! Certificates of the authorities that a channel trusts instead of those inside the program.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ureq::tls::{Certificate, PemItem, parse_pem};

/// The most bytes of a file with certificates.
const LONGEST: u64 = 1 << 20;

/// The certificates in a file (PEM); what else is in it is passed over.
///
/// Errors: it cannot be read, has more than 1 MiB, or no certificate.
pub(in crate::schedule) fn read(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        format!("the certificates in `{shown}` cannot be read: {}", crate::staging::reason(&error))
    };
    // A pipe would be waited for, a device has no end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("`{shown}` is no file with certificates"));
    }
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("`{shown}` has more than 1 MiB; is it a file with certificates?"));
    }
    let items: Result<Vec<PemItem<'_>>, _> = parse_pem(&text).collect();
    let certificates =
        items.map_err(|_| format!("`{shown}` is no PEM as it should be"))?.into_iter().filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        });
    let certificates: Vec<Certificate<'static>> = certificates.collect();
    if certificates.is_empty() { Err(format!("there is no certificate (PEM) in `{shown}`")) } else { Ok(certificates) }
}

/// What to do about a certificate that nobody known vouches for, by the words of the error.
pub(super) fn hint(words: &str) -> &'static str {
    if words.to_ascii_lowercase().contains("unknownissuer") {
        "; if its certificate is of an authority of your own, name that in `authorities`"
    } else {
        ""
    }
}
