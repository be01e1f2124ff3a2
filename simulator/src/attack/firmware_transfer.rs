//! Firmware transfer: another firmware is sent to a controller, through its web page or as file records,
//! and the controller restarts with it.

use std::net::Ipv4Addr;

use super::{Attack, Needs, moved, program_download};
use crate::net::reach::{DIAGNOSTICS, UNIT};
use crate::net::web::{DEFAULT_LOGIN, Get, LOGIN, Page};
use crate::net::{Fault, Node};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "firmware-transfer",
    about: "sends another firmware to a controller and restarts it",
    technique: moved("T0857", "T1693.001"),
    acceptable: &["T0839", "T1693.002", "T0843", "T0889"],
    grade: "A",
    kind: "fast",
    proto: "http",
    variants: &["web", "records"],
    needs: Needs::Sockets,
    seconds: [1250, 120, 14],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let controller = stage.controller();
    if stage.is("web") {
        pages(&mut stage, &intruder, controller).await?;
    } else {
        let mut master = intruder.reach(controller);
        let image = stage.rng.bytes(RECORDS * program_download::BLOCK);
        let gap = stage.by(4.0, 0.35, 0.01);
        program_download::records(&mut stage, &mut master, FILE, &image, gap).await?;
    }
    stage.changed(format!("{controller} firmware replaced"));
    stage.pause(stage.by(20.0, 3.0, 0.5)).await;
    let mut master = intruder.reach(controller);
    master.special(UNIT, DIAGNOSTICS, &[0, 2, 0, 0]).await?;
    master.restart().await?;
    stage.recovers(90.0);
    Ok(())
}

async fn pages(stage: &mut Stage, intruder: &Node, controller: Ipv4Addr) -> Outcome {
    let mut browser = Browser { intruder, controller, login: DEFAULT_LOGIN };
    browser.ask(Get::path("/")).await?;
    stage.pause(stage.by(15.0, 1.0, 0.1)).await;
    browser.ask(Get::path("/version")).await?;
    stage.pause(stage.by(15.0, 1.0, 0.1)).await;
    let (parts, size) = stage.by((48, 16_384), (32, 65_536), (12, 262_144));
    for part in 0..parts {
        let get = || Get::post(format!("/firmware?part={part}&of={parts}"), Vec::new());
        let image = stage.rng.bytes(size);
        let page = browser.ask(Get { body: image.clone(), ..get() }).await?;
        if page.status == 401 && browser.login != LOGIN {
            // The password that it came with was changed; the right one was overheard.
            browser.login = LOGIN;
            browser.ask(Get { body: image, ..get() }).await?;
        }
        stage.pause(stage.by(25.0, 3.5, 1.0)).await;
    }
    browser.ask(Get::path("/version")).await?;
    Ok(())
}

/// Asks for pages, over a new connection each time as scripts do.
struct Browser<'a> {
    intruder: &'a Node,
    controller: Ipv4Addr,
    login: &'static str,
}

impl Browser<'_> {
    async fn ask(&self, get: Get) -> Result<Page, Fault> {
        let mut last = Fault::Silent;
        for _ in 0..3 {
            let get =
                get.clone().with("User-Agent", "python-requests/2.31.0").with("Authorization", self.login);
            match self.intruder.get(self.controller, get).await {
                Ok(page) => return Ok(page),
                Err(fault) => last = fault,
            }
            self.intruder.pause(4.0).await;
        }
        Err(last)
    }
}

/// The file in which devices expect their firmware.
const FILE: u16 = 0x0f;
/// How many messages its records take.
const RECORDS: usize = 300;
