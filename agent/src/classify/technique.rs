//! The techniques of ATT&CK for ICS (v18) that can be named.

/// A technique: its id, name, tactic, and how much it could hurt, from 0 to 1.
pub struct Technique {
    /// Such as T0846.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The tactic it serves here.
    pub tactic: &'static str,
    /// How much it could hurt.
    pub harm: f32,
}

/// What is known of a technique.
pub fn technique(id: &str) -> Option<&'static Technique> {
    TECHNIQUES.iter().find(|technique| technique.id == id)
}

const fn t(id: &'static str, name: &'static str, tactic: &'static str, harm: f32) -> Technique {
    Technique { id, name, tactic, harm }
}

/// Ids, names and tactics as ATT&CK for ICS v18 gives them.
const TECHNIQUES: &[Technique] = &[
    t("T0801", "Monitor Process State", "Collection", 0.3),
    t("T0802", "Automated Collection", "Collection", 0.3),
    t("T0803", "Block Command Message", "Inhibit Response Function", 0.85),
    t("T0804", "Block Reporting Message", "Inhibit Response Function", 0.8),
    t("T0805", "Block Serial COM", "Inhibit Response Function", 0.8),
    t("T0806", "Brute Force I/O", "Impair Process Control", 0.95),
    t("T0809", "Data Destruction", "Inhibit Response Function", 0.95),
    t("T0811", "Data from Information Repositories", "Collection", 0.4),
    t("T0812", "Default Credentials", "Lateral Movement", 0.5),
    t("T0814", "Denial of Service", "Inhibit Response Function", 0.7),
    t("T0815", "Denial of View", "Impact", 0.7),
    t("T0816", "Device Restart/Shutdown", "Inhibit Response Function", 0.95),
    t("T0819", "Exploit Public-Facing Application", "Initial Access", 0.6),
    t("T0821", "Modify Controller Tasking", "Execution", 0.9),
    t("T0830", "Adversary-in-the-Middle", "Collection", 0.9),
    t("T0831", "Manipulation of Control", "Impact", 0.9),
    t("T0832", "Manipulation of View", "Impact", 0.85),
    t("T0836", "Modify Parameter", "Impair Process Control", 0.9),
    t("T0838", "Modify Alarm Settings", "Inhibit Response Function", 0.9),
    t("T0840", "Network Connection Enumeration", "Discovery", 0.3),
    t("T0843", "Program Download", "Lateral Movement", 0.95),
    t("T0845", "Program Upload", "Collection", 0.5),
    t("T0846", "Remote System Discovery", "Discovery", 0.3),
    t("T0848", "Rogue Master", "Initial Access", 0.8),
    t("T0849", "Masquerading", "Evasion", 0.6),
    t("T0855", "Unauthorized Command Message", "Impair Process Control", 0.9),
    t("T0856", "Spoof Reporting Message", "Evasion", 0.8),
    t("T0857", "System Firmware", "Inhibit Response Function", 0.95),
    t("T0858", "Change Operating Mode", "Execution", 0.9),
    t("T0859", "Valid Accounts", "Persistence", 0.5),
    t("T0861", "Point & Tag Identification", "Collection", 0.35),
    t("T0866", "Exploitation of Remote Services", "Lateral Movement", 0.6),
    t("T0869", "Standard Application Layer Protocol", "Command and Control", 0.5),
    t("T0877", "I/O Image", "Collection", 0.3),
    t("T0882", "Theft of Operational Information", "Impact", 0.5),
    t("T0884", "Connection Proxy", "Command and Control", 0.5),
    t("T0888", "Remote System Information Discovery", "Discovery", 0.3),
    t("T0889", "Modify Program", "Persistence", 0.9),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_stand_in_order_and_once() {
        assert!(TECHNIQUES.windows(2).all(|two| two[0].id < two[1].id));
        assert_eq!(technique("T0846").map(|one| one.name), Some("Remote System Discovery"));
        assert!(technique("T9999").is_none());
    }
}
