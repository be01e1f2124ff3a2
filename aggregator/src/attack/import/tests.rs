//! Bundles that are sound, damaged, of another domain, endless or in circles.

use serde_json::{Value, json};

use super::*;

fn technique(id: &str, uuid: u8, tactic: &str) -> Value {
    json!({
        "type": "attack-pattern", "id": format!("attack-pattern--{uuid:08}-0000-4000-8000-000000000000"),
        "name": format!("Technique {id}"), "description": "what it is",
        "external_references": [{ "source_name": "mitre-attack", "external_id": id }],
        "kill_chain_phases": [{ "kill_chain_name": "mitre-ics-attack", "phase_name": tactic }],
    })
}

fn bundle(matrix: &str, more: Vec<Value>) -> Value {
    let mut objects = vec![
        json!({ "type": "x-mitre-collection", "id": "x-mitre-collection--1", "x_mitre_version": "19.0" }),
        json!({
            "type": "x-mitre-matrix", "id": "x-mitre-matrix--1", "tactic_refs": ["x-mitre-tactic--1"],
            "external_references": [{ "source_name": "mitre-attack", "external_id": matrix }],
        }),
        json!({
            "type": "x-mitre-tactic", "id": "x-mitre-tactic--1", "name": "Discovery", "x_mitre_shortname": "discovery",
            "external_references": [{ "source_name": "mitre-attack", "external_id": "TA0102" }],
        }),
    ];
    objects.extend((10..30).map(|at| technique(&format!("T08{at}"), at, "discovery")));
    objects.extend(more);
    json!({ "type": "bundle", "id": "bundle--1", "objects": objects })
}

fn read_value(value: &Value) -> Result<Part, ImportError> {
    read(value.to_string().as_bytes())
}

#[test]
fn a_sound_bundle_takes_the_place_of_the_catalogue_and_old_ids_still_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.json");
    let revoked = json!({ "type": "relationship", "id": "relationship--1", "relationship_type": "revoked-by",
        "source_ref": "attack-pattern--old", "target_ref": "attack-pattern--00000011-0000-4000-8000-000000000000" });
    let mut old = technique("T0899", 99, "discovery");
    old["id"] = json!("attack-pattern--old");
    old["revoked"] = json!(true);
    fs::write(&file, bundle("ics-attack", vec![old, revoked]).to_string()).unwrap();
    let part = import(&file, folder.path()).unwrap();
    assert_eq!((part.version.as_str(), part.techniques.len()), ("19.0", 20));
    let catalogue = load(Some(folder.path())).unwrap();
    assert_eq!(catalogue.ics, {
        let mut shipped = Catalogue::shipped().unwrap();
        shipped.put(part);
        shipped.ics
    });
    assert_eq!(catalogue.find("T0899").unwrap().technique().id, "T0811");
    assert_eq!(
        catalogue.find("T0811").unwrap().technique().texts.as_ref().unwrap().description,
        "what it is"
    );
    assert_eq!(catalogue.enterprise, Catalogue::shipped().unwrap().enterprise);
}

#[test]
fn what_is_no_bundle_is_refused_with_the_reason_and_the_old_stays() {
    let folder = tempfile::tempdir().unwrap();
    let sound = bundle("ics-attack", Vec::new()).to_string();
    let half = &sound[..sound.len() / 2];
    let circle = json!({ "type": "relationship", "id": "relationship--1", "relationship_type": "revoked-by",
        "source_ref": "attack-pattern--00000011-0000-4000-8000-000000000000",
        "target_ref": "attack-pattern--00000011-0000-4000-8000-000000000000" });
    assert!(read_value(&bundle("ics-attack", vec![circle])).unwrap().moved.is_empty());
    let cases = [
        (String::new(), "damaged"),
        ("\0\u{1}\u{2}".to_owned(), "damaged"),
        ("[]".to_owned(), "damaged"),
        (half.to_owned(), "damaged"),
        (format!("{sound} more"), "damaged"),
        (r#"{"type":"report","objects":[]}"#.to_owned(), "report"),
        (r#"{"type":"bundle","objects":[]}"#.to_owned(), "no matrix"),
        (bundle("mobile-attack", Vec::new()).to_string(), "mobile-attack"),
        (bundle("ics-attack", vec![technique("X1", 50, "discovery")]).to_string(), "is none"),
        (bundle("ics-attack", vec![technique("T0850", 50, "nowhere")]).to_string(), "no tactic"),
        ("[".repeat(100_000), "damaged"),
    ];
    for (text, why) in cases {
        let file = folder.path().join("bundle.json");
        fs::write(&file, &text).unwrap();
        let error = import(&file, folder.path()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(load(Some(folder.path())).unwrap(), Catalogue::shipped().unwrap());
}

#[test]
fn an_endless_bundle_ends() {
    let head = r#"{"type":"bundle","objects":["#;
    let object = r#"{"type":"identity","id":"identity--1"},"#;
    let endless = io::Read::chain(head.as_bytes(), Endless(object.as_bytes(), 0));
    let error = read(endless).unwrap_err().to_string();
    assert!(error.contains("more than 200000 objects"), "{error}");
    let blank = io::Read::chain(head.as_bytes(), io::repeat(b' '));
    assert!(matches!(read(blank), Err(ImportError::Large)));
}

#[test]
fn an_import_that_was_damaged_on_disk_gives_way_to_what_is_shipped() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ics-attack.json"), "{\"domain\":").unwrap();
    assert_eq!(load(Some(folder.path())).unwrap(), Catalogue::shipped().unwrap());
}

struct Endless(&'static [u8], usize);

impl io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for byte in out.iter_mut() {
            *byte = self.0[self.1];
            self.1 = (self.1 + 1) % self.0.len();
        }
        Ok(out.len())
    }
}
