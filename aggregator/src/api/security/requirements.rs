//! Names of the requirements of IEC 62443-3-3 that checks speak of.

/// As the standard numbers and calls it.
pub fn name(id: &str) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name)
}

/// All that are spoken of.
pub const NAMES: &[(&str, &str)] = &[
    ("SR 1.1", "Human user identification and authentication"),
    ("SR 1.2", "Software process and device identification and authentication"),
    ("SR 1.3", "Account management"),
    ("SR 1.4", "Identifier management"),
    ("SR 1.5", "Authenticator management"),
    ("SR 1.8", "Public key infrastructure certificates"),
    ("SR 1.9", "Strength of public key authentication"),
    ("SR 2.1", "Authorization enforcement"),
    ("SR 2.8", "Auditable events"),
    ("SR 2.9", "Audit storage capacity"),
    ("SR 2.10", "Response to audit processing failures"),
    ("SR 2.11", "Timestamps"),
    ("SR 2.12", "Non-repudiation"),
    ("SR 3.1", "Communication integrity"),
    ("SR 3.4", "Software and information integrity"),
    ("SR 3.5", "Input validation"),
    ("SR 3.9", "Protection of audit information"),
    ("SR 4.1", "Information confidentiality"),
    ("SR 4.2", "Information persistence"),
    ("SR 4.3", "Use of cryptography"),
    ("SR 6.1", "Audit log accessibility"),
    ("SR 6.2", "Continuous monitoring"),
    ("SR 7.1", "Denial of service protection"),
    ("SR 7.2", "Resource management"),
    ("SR 7.3", "Control system backup"),
    ("SR 7.4", "Control system recovery and reconstitution"),
    ("SR 7.6", "Network and security configuration settings"),
    ("SR 7.8", "Control system component inventory"),
];
