//! Which technique of ATT&CK for ICS (v18) an incident looks like, by rules. The first rule that fits
//! names it; where none fits, none is named. Serves until the classifier has learnt better, and beside it.

use super::signs::{Sign, Signs};
use fieldward_shared::alert::Candidate;

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

/// What is known of an incident.
pub struct Case<'a> {
    /// What it shows.
    pub signs: &'a Signs,
    /// How many were touched.
    pub targets: usize,
    /// Whoever did it was not there in learning.
    pub stranger: bool,
}

impl Case<'_> {
    const fn of(&self, sign: Sign) -> u32 {
        self.signs.of(sign)
    }

    const fn has(&self, sign: Sign) -> bool {
        self.of(sign) > 0
    }

    /// Connections are opened faster than anyone could use them, to few.
    const fn is_hammering(&self) -> bool {
        self.signs.peak.attempts >= 20 && self.targets <= 3 && self.of(Sign::Link) < 8
    }

    /// Nothing was said in any protocol.
    fn is_silent(&self) -> bool {
        [Sign::Function, Sign::Place, Sign::MqttClient, Sign::Domain, Sign::LongName, Sign::Page]
            .iter()
            .all(|sign| !self.has(*sign))
    }
}

/// When a case looks like these techniques, and how likely each is.
struct Rule {
    fits: fn(&Case<'_>) -> bool,
    looks_like: &'static [(&'static str, f32)],
}

/// The more telling sign stands first.
const RULES: &[Rule] = &[
    Rule {
        fits: |c| c.has(Sign::Impersonation),
        looks_like: &[("T0830", 0.6), ("T0804", 0.15), ("T0803", 0.15)],
    },
    Rule {
        fits: |c| c.has(Sign::FirmwarePage),
        looks_like: &[("T0857", 0.7), ("T0843", 0.15), ("T0889", 0.1)],
    },
    Rule { fits: |c| c.signs.is_sweep(), looks_like: &[("T0888", 0.6), ("T0846", 0.2), ("T0861", 0.1)] },
    Rule { fits: |c| c.has(Sign::FileWrite), looks_like: &[("T0843", 0.7), ("T0889", 0.15), ("T0821", 0.1)] },
    Rule { fits: |c| c.has(Sign::FileRead), looks_like: &[("T0845", 0.7), ("T0811", 0.2)] },
    Rule {
        fits: |c| c.has(Sign::NoUnit) && c.signs.peak.requests >= 20,
        looks_like: &[("T0805", 0.55), ("T0814", 0.3), ("T0815", 0.1)],
    },
    Rule { fits: |c| c.of(Sign::NoUnit) >= 6, looks_like: &[("T0846", 0.5), ("T0888", 0.3), ("T0861", 0.1)] },
    Rule {
        fits: |c| c.of(Sign::Zero) >= 8 && c.of(Sign::Zero) * 10 >= c.of(Sign::Write) * 7,
        looks_like: &[("T0809", 0.5), ("T0855", 0.2), ("T0831", 0.1)],
    },
    Rule {
        fits: |c| c.stranger && c.has(Sign::Write) && c.signs.peak.writes >= 3 && c.of(Sign::Write) <= 8,
        looks_like: &[("T0806", 0.5), ("T0855", 0.25), ("T0836", 0.15)],
    },
    Rule {
        fits: |c| c.stranger && (c.signs.peak.requests >= 80 || c.is_hammering()),
        looks_like: &[("T0814", 0.7), ("T0815", 0.1), ("T0806", 0.05)],
    },
    Rule { fits: |c| c.has(Sign::Diagnose), looks_like: &[("T0816", 0.45), ("T0804", 0.3), ("T0814", 0.15)] },
    Rule {
        fits: |c| c.has(Sign::Write) && c.stranger,
        looks_like: &[("T0855", 0.45), ("T0836", 0.3), ("T0838", 0.1), ("T0858", 0.1)],
    },
    Rule { fits: |c| c.has(Sign::Write), looks_like: &[("T0836", 0.45), ("T0855", 0.3), ("T0831", 0.1)] },
    Rule {
        fits: |c| c.has(Sign::Vendor),
        looks_like: &[("T0843", 0.3), ("T0845", 0.25), ("T0816", 0.2), ("T0858", 0.15)],
    },
    Rule {
        fits: |c| c.of(Sign::MqttClient) >= 12 || c.signs.peak.connects >= 10,
        looks_like: &[("T0814", 0.75), ("T0815", 0.1), ("T0859", 0.05)],
    },
    Rule { fits: |c| c.has(Sign::TakenName), looks_like: &[("T0849", 0.6), ("T0859", 0.15), ("T0814", 0.1)] },
    Rule {
        fits: |c| c.of(Sign::ForeignTopic) >= 3 && c.signs.peak.publishes >= 1,
        looks_like: &[("T0809", 0.35), ("T0856", 0.3), ("T0855", 0.2)],
    },
    Rule {
        fits: |c| c.has(Sign::ForeignTopic),
        looks_like: &[("T0856", 0.5), ("T0855", 0.25), ("T0809", 0.15)],
    },
    Rule { fits: |c| c.has(Sign::Publish), looks_like: &[("T0855", 0.6), ("T0848", 0.15), ("T0836", 0.1)] },
    Rule {
        fits: |c| c.has(Sign::WideSubscribe),
        looks_like: &[("T0861", 0.55), ("T0802", 0.2), ("T0801", 0.15)],
    },
    Rule {
        fits: |c| c.has(Sign::Subscribe),
        looks_like: &[("T0801", 0.5), ("T0802", 0.25), ("T0861", 0.15)],
    },
    Rule {
        fits: |c| c.has(Sign::Identify) && c.of(Sign::Place) < 12,
        looks_like: &[("T0888", 0.65), ("T0846", 0.15), ("T0861", 0.1)],
    },
    Rule {
        fits: |c| {
            c.has(Sign::Read) && c.has(Sign::NoPlace) && c.of(Sign::Read) as usize >= 3 * c.targets.max(1)
        },
        looks_like: &[("T0802", 0.45), ("T0861", 0.35), ("T0877", 0.1)],
    },
    Rule {
        fits: |c| c.has(Sign::NoPlace) || c.of(Sign::Place) as usize >= 12 * c.targets.max(1),
        looks_like: &[("T0861", 0.55), ("T0888", 0.15), ("T0802", 0.15)],
    },
    Rule {
        fits: |c| c.has(Sign::Read) || c.has(Sign::Place),
        looks_like: &[("T0801", 0.5), ("T0802", 0.25), ("T0861", 0.15)],
    },
    Rule {
        fits: |c| c.has(Sign::LongName),
        looks_like: &[("T0869", 0.55), ("T0884", 0.15), ("T0882", 0.15)],
    },
    Rule { fits: |c| c.has(Sign::OddPage), looks_like: &[("T0819", 0.65), ("T0866", 0.15), ("T0811", 0.1)] },
    Rule {
        fits: |c| c.of(Sign::Locked) >= 3,
        looks_like: &[("T0812", 0.6), ("T0819", 0.15), ("T0811", 0.1)],
    },
    Rule {
        fits: |c| c.has(Sign::Refusal) && c.of(Sign::Page) >= 8,
        looks_like: &[("T0819", 0.45), ("T0812", 0.2), ("T0811", 0.2)],
    },
    Rule { fits: |c| c.has(Sign::Locked), looks_like: &[("T0812", 0.4), ("T0888", 0.2), ("T0819", 0.2)] },
    Rule { fits: |c| c.of(Sign::Page) >= 8, looks_like: &[("T0811", 0.5), ("T0882", 0.2), ("T0845", 0.15)] },
    Rule { fits: |c| c.has(Sign::Page), looks_like: &[("T0888", 0.35), ("T0811", 0.3), ("T0819", 0.15)] },
    Rule { fits: |c| c.of(Sign::Link) >= 8, looks_like: &[("T0846", 0.7), ("T0888", 0.15), ("T0840", 0.05)] },
    Rule {
        fits: |c| c.stranger && c.has(Sign::Link) && c.is_silent(),
        looks_like: &[("T0814", 0.4), ("T0846", 0.35), ("T0815", 0.1)],
    },
];

/// Techniques that a case looks like, likeliest first; none when nothing fits.
pub fn candidates(case: &Case<'_>) -> Vec<Candidate> {
    let fitting = RULES.iter().find(|rule| (rule.fits)(case)).map_or(&[][..], |rule| rule.looks_like);
    fitting
        .iter()
        .map(|(id, probability)| Candidate { technique: (*id).to_owned(), probability: *probability })
        .collect()
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
    fn every_technique_that_is_named_is_known_and_likelier_ones_stand_first() {
        for rule in RULES {
            assert!(!rule.looks_like.is_empty());
            for (id, probability) in rule.looks_like {
                assert!(technique(id).is_some(), "{id}");
                assert!((0.0..=1.0).contains(probability));
            }
            assert!(rule.looks_like.windows(2).all(|two| two[0].1 >= two[1].1));
            assert!(rule.looks_like.iter().map(|(_, p)| p).sum::<f32>() <= 1.001);
        }
        assert!(TECHNIQUES.windows(2).all(|two| two[0].id < two[1].id));
    }

    #[test]
    fn nothing_is_named_when_nothing_fits() {
        let signs = Signs::default();
        assert!(candidates(&Case { signs: &signs, targets: 0, stranger: true }).is_empty());
    }
}
