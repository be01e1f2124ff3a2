//! Every mistake in a configuration is told with its place and what to do.

use super::*;

const LEAST: &str = "facility_id = \"a\"\ninterface = \"eth1\"\nmodel = \"m\"\nspool = \"s\"\n";

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::parse("agent.toml", text, environment).map_err(|wrong| wrong.to_string())
}

#[test]
fn the_example_says_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd/agent.toml");
    let example = parse(&std::fs::read_to_string(path).unwrap(), &[]).unwrap();
    let least = parse(LEAST, &[]).unwrap();
    let numbers = |config: &Config| {
        (config.snaplen, config.buffer_mib, config.spool_mib, config.spool_free_percent, config.learn)
    };
    assert_eq!(numbers(&example), numbers(&least));
}

#[test]
fn the_environment_stands_over_the_file() {
    let config = parse(
        LEAST,
        &[
            ("FIELDWARD_INTERFACE", "42"),
            ("FIELDWARD_SNAPLEN", "256"),
            ("FIELDWARD_LEARN_LEAST_HOURS", "1.5"),
            ("FIELDWARD_AGGREGATOR", "soc:4433"),
            ("FIELDWARD_AGGREGATOR_TCP_PORT", "443"),
            ("FIELDWARD_LOG", "debug"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!((config.interface.as_str(), config.snaplen, config.learn.least_hours), ("42", 256, 1.5));
    assert_eq!((config.aggregator.as_deref(), config.aggregator_tcp_port), (Some("soc:4433"), Some(443)));
    let told = parse(LEAST, &[("FIELDWARD_INTERFCE", "eth0")]).unwrap_err();
    assert!(told.contains("FIELDWARD_INTERFCE: no such key"), "{told}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (more, place, what) in [
        ("pumps = 3\n", "line 5", "unknown field `pumps`"),
        ("snaplen = \"all\"\n", "line 5", "invalid type"),
        ("snaplen = 3\n", "snaplen", "3 bytes"),
        ("buffer_mib = 0\n", "buffer_mib", "0 MiB"),
        ("spool_mib = 1\n", "spool_mib", "1 MiB"),
        ("spool_free_percent = 99\n", "spool_free_percent", "99 percent"),
        ("aggregator = \"soc\"\n", "aggregator", "\"soc\" is no address"),
        ("aggregator = \":4433\"\n", "aggregator", "no address"),
        ("[learn]\nleast_hours = 9\nmost_hours = 3\n", "learn", "from 9 to 3 hours"),
        ("[learn]\nquiet_share = 1.5\n", "learn.quiet_share", "1.5"),
        ("[learn]\ncpu_share = 0.0\n", "learn.cpu_share", "0.01"),
        ("[learn]\nwindows_mib = 0\n", "learn.windows_mib", "0 MiB"),
        ("[learn]\nfast = true\n", "line 6", "unknown field `fast`"),
    ] {
        let told = parse(&format!("{LEAST}{more}"), &[]).unwrap_err();
        assert!(told.contains(place) && told.contains(what), "{told}");
    }
    let told = parse("interface = \"eth1\"\n", &[]).unwrap_err();
    assert!(told.contains("missing field `facility_id`"), "{told}");
    let told = parse(&LEAST.replace("\"a\"", "\"A\""), &[]).unwrap_err();
    assert!(told.contains("is no facility; use up to 64 of a-z"), "{told}");
}

#[test]
fn a_password_in_an_address_is_not_shown_and_the_state_lies_beside_the_spool() {
    let config = parse(LEAST, &[("REDIS_URL", "redis://:secret@host/0")]).unwrap();
    assert_eq!(config.redis_url.as_ref().map(Secret::reveal), Some("redis://:secret@host/0"));
    assert!(!format!("{config:?}").contains("secret"));
    assert_eq!(config.state(), Path::new("."));
    let config = parse(&LEAST.replace("\"s\"", "\"/var/lib/fieldward/spool\""), &[]).unwrap();
    assert_eq!(config.state(), Path::new("/var/lib/fieldward"));
    let config = parse(&format!("{LEAST}state = \"/run/x\"\n"), &[]).unwrap();
    assert_eq!(config.state(), Path::new("/run/x"));
}
