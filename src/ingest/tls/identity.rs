//! Reads the name out of a client certificate that was verified already.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

/// Longest name kept, in bytes.
const IDENTITY_BYTES_MAX: usize = 255;

/// Returns the first DNS name of the certificate, else its common name, else its first e-mail address, else the subject.
///
/// RFC 5425 §5.2 prefers the alternative names; common names are what older set-ups have.
pub(super) fn of(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let alternatives = alternatives.as_ref().map(|found| found.value.general_names.as_slice()).unwrap_or_default();
    let dns = alternatives.iter().find_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    let common = || {
        let mut names = certificate.subject().iter_common_name();
        names.find_map(|name| name.as_str().ok().map(str::to_owned))
    };
    let email = || {
        alternatives.iter().find_map(|name| match name {
            GeneralName::RFC822Name(name) => Some((*name).to_owned()),
            _ => None,
        })
    };
    let name = dns.or_else(common).or_else(email).unwrap_or_else(|| certificate.subject().to_string());
    Some(shortened(name)).filter(|name| !name.is_empty())
}

fn shortened(mut name: String) -> String {
    let mut end = name.len().min(IDENTITY_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::CertificateParams;
    use rcgen::DistinguishedName;
    use rcgen::DnType;
    use rcgen::KeyPair;

    #[test]
    fn the_name_is_found_where_it_stands() {
        for (common, alternatives, expected) in [
            (Some("device"), &["fw1.xa.test"][..], Some("fw1.xa.test")),
            (Some("thiết bị"), &[][..], Some("thiết bị")),
            (None, &["10.0.0.1", "b.test"][..], Some("b.test")),
            (None, &[][..], None),
        ] {
            let alternatives: Vec<String> = alternatives.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(alternatives).expect("names");
            params.distinguished_name = DistinguishedName::new();
            if let Some(common) = common {
                params.distinguished_name.push(DnType::CommonName, common);
            }
            let key = KeyPair::generate().expect("key");
            let certificate = params.self_signed(&key).expect("signed");
            assert_eq!(of(certificate.der()).as_deref(), expected);
        }
        assert_eq!(of(b"\x30\x03no"), None);
        assert_eq!(shortened("é".repeat(200)).len(), 254);
    }
}
