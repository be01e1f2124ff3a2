//! `run`, `status` and `maintenance` as their user meets them, with real packets where the machine permits:
//! on a veth pair in a network namespace of its own. Skips loudly where it does not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn agent(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldward-agent"));
    // Not a key of the configuration.
    command.args(arguments).env_remove(INSIDE).output().expect("the agent runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A configuration that keeps everything in `folder`, and its path.
fn config(folder: &Path, interface: &str) -> String {
    let path = folder.join("agent.toml");
    let text = format!(
        "facility_id = \"north\"\ninterface = \"{interface}\"\nmodel = \"{0}/model\"\nspool = \"{0}/spool\"\n\
         spool_free_percent = 0\nstate = \"{0}/state\"\n[learn]\nleast_hours = 0.001\nmost_hours = 0.002\n",
        folder.display()
    );
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn what_is_wrong_is_one_line_and_the_exit_code_says_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), "nowhere0");
    let output = agent(&["run", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no interface is called nowhere0"), "{}", text(&output.stderr));
    let output = agent(&["status", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("has the service run"), "{}", text(&output.stderr));
    assert_eq!(agent(&["run"]).status.code(), Some(2));
}

#[test]
fn maintenance_is_told_by_a_file_that_is_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), "eth0");
    let state = folder.path().join("state");
    let start = ["maintenance", "--config", &config, "start", "--hours", "2", "--reason", "new pump"];
    let output = agent(&start);
    assert_eq!(output.status.code(), Some(1), "there is no state directory yet");
    fs::create_dir(&state).expect("a folder");
    let output = agent(&[&start[..], &["--host", "10.1.1.4"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("Maintenance of 10.1.1.4 until "));
    let told: serde_json::Value =
        serde_json::from_slice(&fs::read(state.join("maintenance.json")).expect("a file")).expect("JSON");
    assert_eq!((&told["hosts"][0], &told["reason"]), (&"10.1.1.4".into(), &"new pump".into()));
    let stop = ["maintenance", "--config", &config, "stop"];
    assert_eq!(text(&agent(&stop).stdout), "Maintenance is over.\n");
    assert_eq!(text(&agent(&stop).stdout), "There was no maintenance.\n");
    for (hours, reason) in [("200", "x"), ("-1", "x"), ("2", " ")] {
        let hours = format!("--hours={hours}");
        let wrong = ["maintenance", "--config", &config, "start", &hours, "--reason", reason];
        assert_eq!(agent(&wrong).status.code(), Some(1), "{wrong:?}");
    }
}

/// Set in the process that runs in a network namespace of its own.
const INSIDE: &str = "FIELDWARD_TEST_INSIDE";
const NAME: &str = "real_packets_are_learnt_and_a_stranger_is_an_alert";

#[test]
fn real_packets_are_learnt_and_a_stranger_is_an_alert() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    // The guard looks at /sys, which tells of the namespace only when it is mounted there.
    let guard = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/mirror-guard");
    let add =
        "mount -t sysfs none /sys && ip link add plant0 type veth peer name mirror0 && ip link set plant0 up";
    let guarded = format!("{add} && sh {guard} mirror0 && nft list ruleset");
    let bare = format!("{add} && ip link set mirror0 up");
    let within = |make: &str| Command::new("unshare").args(["-nm", "sh", "-c", make]).output();
    let is_done = |made: &std::io::Result<Output>| made.as_ref().is_ok_and(|made| made.status.success());
    let (first, make, how) = match within(&guarded) {
        made if is_done(&made) => (made, guarded, "guarded"),
        without => {
            eprintln!("SKIPPED in part: no guard at the mirror port (nftables is needed): {without:?}");
            (within(&bare), bare, "bare")
        }
    };
    if !is_done(&first) {
        eprintln!("SKIPPED: no veth pair in a network namespace (root and iproute2 are needed): {first:?}");
        return;
    }
    let myself = std::env::current_exe().expect("this test");
    let whole = format!("{make} && exec \"$0\" --exact {NAME} --nocapture");
    let output =
        Command::new("unshare").args(["-nm", "sh", "-c", &whole]).arg(myself).env(INSIDE, how).output();
    let output = output.expect("unshare");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// The service, stopped whatever happens.
struct Service(Child);

impl Service {
    fn start(config: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldward-agent"));
        let command = command.args(["run", "--config", config]).env_remove(INSIDE);
        Self(command.stderr(Stdio::piped()).spawn().expect("the agent runs"))
    }

    /// Stops it as a service manager does, and gives its closing words.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let stopped = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        assert!(stopped.expect("kill").success());
        let mut said = String::new();
        let mut stderr = self.0.stderr.take().expect("its words");
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("its words");
        (self.0.wait().expect("its end").code(), said)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn inside() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), "mirror0");
    let mut plant = Plant::new();
    let service = Service::start(&config);
    plant.live(&config, &service, |plant, status| {
        plant.poll();
        status["state"] == "watching"
    });
    assert!(folder.path().join("model/baseline.txt").exists());
    let (code, said) = service.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("north") && said.contains("stopped"), "{said}");

    // Again, with what was learnt; a stranger writes; then it is killed, and nothing that was raised is lost.
    let service = Service::start(&config);
    plant.live(&config, &service, |plant, status| {
        plant.poll();
        plant.intrude();
        let alerts = status["alerts"].as_object().map_or(0, |alerts| alerts.len());
        status["state"] == "watching" && alerts > 0 && status["spool"]["waiting_for_disk"] == 0
    });
    let (code, said) = service.stop("-KILL");
    assert_eq!(code, None, "{said}");
    let spool = folder.path().join("spool").display().to_string();
    let dumped = text(&agent(&["spool", "dump", &spool]).stdout);
    assert!(dumped.contains("10.1.0.9"), "{dumped}");
    assert!(agent(&["spool", "verify", &spool]).status.success());
    let service = Service::start(&config);
    plant.live(&config, &service, |plant, status| {
        plant.poll();
        status["packets"].as_u64() > Some(5)
    });
    assert_eq!(service.stop("-INT").0, Some(0));
    if std::env::var_os(INSIDE).is_some_and(|how| how == "guarded") {
        nothing_left_the_mirror_port();
    }
}

/// No frame went out of the port that the agent listens to, and none was stopped on its way.
fn nothing_left_the_mirror_port() {
    let sent = || fs::read_to_string("/sys/class/net/mirror0/statistics/tx_packets").expect("a count");
    let rules = || text(&Command::new("nft").args(["list", "ruleset"]).output().expect("nft").stdout);
    assert_eq!(sent().trim(), "0");
    assert!(rules().contains("counter packets 0 "), "{}", rules());
    // Whoever tries is counted, and still nothing goes out.
    let mut wire = pcap::Capture::from_device("mirror0").expect("a device").open().expect("the wire");
    drop(wire.sendpacket([0xff; 60]));
    assert!(rules().contains("counter packets 1 "), "{}", rules());
    assert_eq!(sent().trim(), "0");
}

/// What is on the wire.
struct Plant {
    wire: pcap::Capture<pcap::Active>,
    /// Packets of each client.
    sent: BTreeMap<u8, u32>,
}

const MASTER: [u8; 4] = [10, 1, 0, 10];
const CONTROLLER: [u8; 4] = [10, 1, 1, 4];
const STRANGER: [u8; 4] = [10, 1, 0, 9];
/// Reads two registers; writes 1 into register 4.
const READ: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2];
const WRITE: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 6, 0, 4, 0, 1];

impl Plant {
    fn new() -> Self {
        let wire = pcap::Capture::from_device("plant0").expect("a device").open().expect("the wire");
        Self { wire, sent: BTreeMap::new() }
    }

    /// Goes on until the status of the service pleases.
    fn live(
        &mut self,
        config: &str,
        service: &Service,
        mut pleases: impl FnMut(&mut Self, &serde_json::Value) -> bool,
    ) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(120), "the service never comes so far");
            let status = agent(&["status", "--config", config, "--json"]);
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
            // Not the last word of the one before.
            if status["pid"] == service.0.id() && pleases(self, &status) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn poll(&mut self) {
        self.send(MASTER, &READ);
    }

    fn intrude(&mut self) {
        self.send(STRANGER, &WRITE);
    }

    fn send(&mut self, client: [u8; 4], payload: &[u8]) {
        let nth = *self.sent.entry(client[3]).and_modify(|sent| *sent += 1).or_default();
        let mut packet = vec![2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, client[3], 8, 0];
        let length = 40 + payload.len() as u16;
        packet.extend([0x45, 0, (length >> 8) as u8, length as u8]);
        packet.extend([(nth >> 8) as u8, nth as u8, 0, 0, 64, 6, 0, 0]);
        packet.extend(client.iter().chain(&CONTROLLER));
        packet.extend([0x9c, 0x40, 0x01, 0xf6]);
        packet.extend((1000 + nth * 12).to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, 0x18, 255, 255, 0, 0, 0, 0]);
        packet.extend(payload);
        self.wire.sendpacket(packet).expect("the wire");
    }
}
