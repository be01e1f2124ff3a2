//! Enrolment tokens: 256 bits that an operator carries to a plant. Only their SHA-256 is kept.

use fieldward_shared::identity::{Kind, check_facility, from_hex, sha256, to_hex};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::CaError;
use crate::store::tokens::Token;

/// How a token begins, so that those who look for secrets find it.
const PREFIX: &str = "fwt_";
/// Longest life of a token, in seconds.
pub const LONGEST_LIFE: u64 = super::authority::DAY;

/// A new token for a plant: its text, shown once, and what is kept of it.
pub fn draw(
    facility: &str,
    life: u64,
    auto_approve: bool,
    by: &str,
    now: u64,
) -> Result<(String, Token), CaError> {
    check_facility(facility)?;
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| rcgen::Error::RingUnspecified)?;
    let at = |seconds: u64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let token = Token {
        kind: Kind::Agent,
        id: Uuid::new_v4(),
        hash: sha256(&secret),
        facility: facility.to_owned(),
        created: at(now),
        created_by: by.to_owned(),
        expires: at(now.saturating_add(life.min(LONGEST_LIFE))),
        auto_approve,
    };
    Ok((format!("{PREFIX}{}", to_hex(&secret)), token))
}

/// By what a token is found; none when it is no token.
pub fn hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.trim().strip_prefix(PREFIX).filter(|digits| digits.len() == 64)?;
    from_hex(digits).map(|secret| sha256(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_lives_a_day_at_most() {
        let (text, token) = draw("plant", 99 * LONGEST_LIFE, false, "op", 1000).unwrap();
        assert_eq!(hash(&format!("{text}\n")), Some(token.hash));
        assert_eq!(token.expires.as_secs(), 1000 + LONGEST_LIFE);
        assert!(!format!("{token:?}").contains(&text[4..]));
        assert_ne!(draw("plant", 60, false, "op", 0).unwrap().0, text);
        for wrong in ["", "fwt_", "fwt_00", &text[4..], &format!("{text}00"), "fwt_zz"] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
        assert!(draw("No Plant", 60, false, "op", 0).is_err());
    }
}
