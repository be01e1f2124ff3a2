//! Return codes and reason codes: which ones a packet may carry.

use super::header::Kind;
use super::message::Fault;

/// Checks every code of a packet (MQTT 3.1.1, 3.2.2.3 and 3.9.3; MQTT 5.0, 2.4).
pub(super) fn check(kind: Kind, version: u8, codes: &[u8]) -> Result<(), Fault> {
    if codes.iter().all(|code| assigned(kind, version, *code)) {
        Ok(())
    } else {
        Err("unassigned reason code")
    }
}

const fn assigned(kind: Kind, version: u8, code: u8) -> bool {
    if version != 5 {
        return match kind {
            Kind::Connack => code <= 5,
            // Refusal came with 3.1.1, but 3.1 brokers send it too.
            Kind::Suback => matches!(code, 0..=2 | 0x80),
            _ => true,
        };
    }
    match kind {
        Kind::Connack => matches!(
            code,
            0 | 0x80..=0x8a | 0x8c | 0x90 | 0x95 | 0x97 | 0x99..=0x9d | 0x9f
        ),
        Kind::Puback | Kind::Pubrec => {
            matches!(code, 0 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99)
        }
        Kind::Pubrel | Kind::Pubcomp => matches!(code, 0 | 0x92),
        Kind::Suback => {
            matches!(code, 0..=2 | 0x80 | 0x83 | 0x87 | 0x8f | 0x91 | 0x97 | 0x9e | 0xa1 | 0xa2)
        }
        Kind::Unsuback => matches!(code, 0 | 0x11 | 0x80 | 0x83 | 0x87 | 0x8f | 0x91),
        Kind::Disconnect => {
            matches!(
                code,
                0 | 4 | 0x80..=0x83 | 0x87 | 0x89 | 0x8b | 0x8d..=0x90 | 0x93..=0xa2
            )
        }
        Kind::Auth => matches!(code, 0 | 0x18 | 0x19),
        _ => true,
    }
}
