//! Every mistake in a configuration is told with its line and what to do.

use super::*;

fn wrong(text: &str) -> String {
    match Config::parse("plant.toml", text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(wrong) => wrong.to_string(),
    }
}

#[test]
fn every_example_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plants");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        Config::load(&path).unwrap_or_else(|wrong| panic!("{wrong}"));
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn mistakes_are_told_with_their_line_and_remedy() {
    for (text, line, what, remedy) in [
        ("plant = \"water\"\npumps = 3\n", 2, "unknown field `pumps`", "every key"),
        ("plant = \"steel\"\n", 1, "no plant is called \"steel\"", "water"),
        ("plant = \"water\"\n\ndevices = 4\n", 3, "cannot have 4 devices", "from 5 to 500"),
        ("plant = \"water\"\nnetwork = \"10.0.0.0/8\"\n", 2, "no network", "127.11.0.0/16"),
        ("plant = \"water\"\nstart = \"25:00\"\n", 2, "no time of day", "08:30"),
        ("plant = \"water\"\nloss = 0.9\n", 2, "loss 0.9", "0 to 0.2"),
        (
            "plant = \"water\"\n[[host]]\nname = \"historian\"\naddress = \"127.11.0.10\"\n",
            4,
            "scada and historian would both have the address 127.11.0.10",
            "free address",
        ),
        (
            "plant = \"water\"\n[[host]]\nname = \"hal\"\naddress = \"127.11.0.9\"\n",
            4,
            "no host is called \"hal\"",
            "scada",
        ),
        (
            "plant = \"water\"\n[[attack]]\nname = \"magic\"\nat = 1\n",
            3,
            "no attack is called \"magic\"",
            "list",
        ),
        (
            "plant = \"water\"\n[[attack]]\nname = \"unit-sweep\"\nvariant = \"x\"\nat = 1\n",
            3,
            "no variant \"x\"",
            "read",
        ),
        (
            "plant = \"water\"\n[[attack]]\nname = \"unit-sweep\"\nintensity = \"x\"\nat = 1\n",
            3,
            "no intensity",
            "slow",
        ),
        ("plant = \"water\"\n[[attack]]\nname = \"unit-sweep\"\nat = -4\n", 3, "second -4", "from 0 on"),
        (
            "plant = \"water\"\n[[event]]\nname = \"party\"\nat = 1\n",
            3,
            "no event is called \"party\"",
            "backup",
        ),
        ("plant = 3\n", 1, "invalid type", "every key"),
        ("plant = \"water\n", 1, "", "every key"),
    ] {
        let told = wrong(text);
        assert!(told.starts_with(&format!("plant.toml, line {line}: ")), "{told}");
        assert!(told.contains(what) && told.contains(remedy), "{told}");
    }
}

#[test]
fn attacks_are_planned_by_name_variant_and_intensity() {
    let planned = Planned::parse("unit-sweep:server-id:slow@12.5").unwrap();
    assert_eq!(planned.line, 0);
    let Scene::Attack { attack, variant, intensity } = planned.scene else { panic!("a campaign") };
    assert_eq!(
        (attack.name, variant, intensity, planned.at),
        ("unit-sweep", "server-id", Intensity::Slow, 12.5)
    );
    for text in ["unit-sweep", "unit-sweep@soon", "@3", "unit-sweep:a:b:c@1"] {
        assert!(Planned::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_missing_file_is_told() {
    let told = Config::find("nowhere.toml").err().unwrap().to_string();
    assert!(told.contains("nowhere.toml") && told.contains("path"), "{told}");
}

#[test]
fn an_attack_that_cannot_be_live_is_known_with_its_line() {
    let text = "plant = \"water\"\n[[attack]]\nname = \"unit-sweep\"\nat = 1\n[[attack]]\nname = \"syn-flood\"\nat = 2\n";
    let config = Config::parse("plant.toml", text).unwrap();
    assert_eq!(config.attacks.iter().map(|planned| planned.line).collect::<Vec<_>>(), [3, 6]);
    assert!(config.attacks[0].check_live().is_ok());
    let (what, remedy) = config.attacks[1].check_live().unwrap_err();
    assert!(what.contains("syn-flood") && remedy.contains("fieldward-sim record"), "{what}: {remedy}");
}
