//! `plant`: live plants, until they are told to stop.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use super::{create, stopped, write_labels};
use crate::config::{self, Config};
use crate::live::{self, Site};

/// Run live plants: real servers and clients for Modbus/TCP, MQTT, DNS and HTTP
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-sim plant --plant water
  fieldward-sim plant --config water.toml --config gas.toml --seconds 600 --labels played.json
  fieldward-sim plant --plant water --namespace

A configuration file:
  plant = \"water\"            # water, gas, substation
  devices = 50               # 5 to 500
  network = \"127.21.0.0/16\"
  start = \"08:00\"            # what the plant's clock says at the beginning
  seed = 1                   # from what chance is derived
  loss = 0.0002              # of segments, in recordings
  events = true              # benign events happen when their hour comes
  [[host]]                   # another address for a host
  name = \"scada\"
  address = \"127.21.7.7\"
  [[attack]]
  name = \"unit-sweep\"
  at = 30                    # seconds from the beginning
  variant = \"read\"
  intensity = \"fast\"         # slow, medium, fast
  [[event]]
  name = \"maintenance\"
  at = 60

A plant has an address for each of its hosts: 127.11.0.0/16 for water, 127.12 for gas, 127.13 for the
substation, unless its file says otherwise. Nothing leaves this machine. With --namespace the plants run
in a network namespace of their own on 10.11.0.0/16 and so on; others enter it with
  nsenter --preserve-credentials --user --net --target $(pidof fieldward-sim) COMMAND")]
pub struct Plant {
    /// A configuration file; several may be given
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// A kind of plant as it comes (water, gas, substation); several may be given
    #[arg(long, value_name = "KIND", required_unless_present = "config")]
    plant: Vec<String>,
    /// How many devices the plants without a file have (5 to 500) [default: 50]
    #[arg(long)]
    devices: Option<usize>,
    /// Stop after that many seconds; otherwise on Ctrl-C or SIGTERM
    #[arg(long)]
    seconds: Option<f64>,
    /// At the end, the labels of what was played; of several plants, FILE.1.json, FILE.2.json, …
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Run in a network namespace of its own, on addresses in 10.0.0.0/8
    #[arg(long)]
    namespace: bool,
    /// It runs in that namespace
    #[arg(long, hide = true)]
    inside: bool,
}

impl Plant {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let configs = self.configs()?;
        if self.namespace && !self.inside {
            return Err(enter(&configs));
        }
        live::run(self.play(&configs))?
    }

    fn configs(&self) -> anyhow::Result<Vec<Config>> {
        let mut configs = Vec::new();
        for kind in &self.plant {
            let mut config = Config::find(kind)?;
            if let Some(devices) = self.devices {
                config::check_size(devices)
                    .map_err(|(what, remedy)| anyhow::anyhow!("--devices: {what}; {remedy}"))?;
                config.devices = devices;
            }
            configs.push(config);
        }
        for file in &self.config {
            let config = Config::load(file)?;
            for planned in &config.attacks {
                let place = format!("{}, line {}", file.display(), planned.line);
                planned
                    .check_live()
                    .map_err(|(what, remedy)| anyhow::anyhow!("{place}: {what}\n  {remedy}"))?;
            }
            configs.push(config);
        }
        for config in &mut configs {
            if self.namespace || self.inside {
                config.network.get_or_insert([10, config.kind.octet]);
            }
        }
        let seconds = self.seconds.unwrap_or(1.0);
        anyhow::ensure!(
            seconds > 0.0 && seconds < 1e9,
            "--seconds: {seconds} is no time to run; choose a number above 0, or leave it out"
        );
        Ok(configs)
    }

    async fn play(&self, configs: &[Config]) -> anyhow::Result<()> {
        let files = match &self.labels {
            None => Vec::new(),
            Some(file) if configs.len() == 1 => vec![create(file)?],
            Some(file) => {
                (1..=configs.len()).map(|nth| create(&numbered(file, nth))).collect::<Result<_, _>>()?
            }
        };
        let mut sites = Vec::new();
        for config in configs {
            sites.push(Site::open(config).await?);
        }
        for site in &sites {
            eprint!("{}", site.table());
            site.begin();
        }
        match self.seconds {
            Some(seconds) => {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs_f64(seconds)) => {}
                    stop = stopped() => stop?,
                }
            }
            None => stopped().await?,
        }
        for (file, site) in files.into_iter().zip(&sites) {
            write_labels(file, &site.labels())?;
        }
        Ok(())
    }
}

/// Begins this command anew in a network namespace; comes back only if that fails.
fn enter(configs: &[Config]) -> anyhow::Error {
    let mut networks: Vec<[u8; 2]> = configs.iter().filter_map(|config| config.network).collect();
    for config in configs {
        networks.extend(config.moved.iter().map(|(_, ip)| [ip.octets()[0], ip.octets()[1]]));
    }
    networks.sort_unstable();
    networks.dedup();
    let mut script = "ip link set lo up".to_owned();
    for [a, b] in networks.into_iter().filter(|network| network[0] != 127) {
        script += &format!(" && ip route add local {a}.{b}.0.0/16 dev lo");
    }
    script += " && exec \"$0\" \"$@\"";
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return anyhow::Error::new(error).context("cannot find this program's own file"),
    };
    let error = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--", "sh", "-c", &script])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .arg("--inside")
        .exec();
    anyhow::Error::new(error)
        .context("cannot run unshare, which makes the namespace; install util-linux and iproute2")
}

/// `labels.json` becomes `labels.2.json`.
fn numbered(file: &Path, nth: usize) -> PathBuf {
    let extension =
        file.extension().map_or_else(|| "json".to_owned(), |text| text.to_string_lossy().into_owned());
    file.with_extension(format!("{nth}.{extension}"))
}
