//! Bundles of ATT&CK as anyone may hand them to `attack import`.

use std::sync::OnceLock;

use fieldward_aggregator::attack::Catalogue;
use fieldward_aggregator::attack::catalogue::{Kind, Part};
use fieldward_aggregator::attack::import;

/// Any bytes as a bundle, and any bytes as further objects of a bundle that is sound: what is taken holds together, is
/// found under all of its ids, and is read again as it was kept.
pub fn stix(bytes: &[u8]) {
    if let Ok(part) = import::read(bytes) {
        taken(part);
    }
    let sound = [SOUND.trim_end().as_bytes(), b",", bytes, b"]}"].concat();
    if let Ok(part) = import::read(&*sound) {
        taken(part);
    }
}

fn taken(part: Part) {
    let kept = serde_json::to_vec(&part).expect("what was read can be kept");
    assert_eq!(serde_json::from_slice::<Part>(&kept).expect("what was kept can be read"), part);
    let mut catalogue = shipped().clone();
    let domain = part.domain;
    catalogue.put(part);
    let part = catalogue.part(domain);
    for (place, one) in part.techniques.iter().enumerate() {
        assert_eq!(part.place(&one.id), Some(place));
        assert!(part.tactic(one).is_some(), "a technique without a tactic");
        assert!(catalogue.find(&one.id).is_some());
        let linked: usize = Kind::ALL.iter().map(|kind| part.linked(place, *kind).count()).sum();
        assert!(linked <= part.entries.len());
    }
    // What moved in circles is nobody's, and ends.
    for old in part.moved.keys() {
        assert!(catalogue.find(old).is_none_or(|found| found.place < found.part.techniques.len()));
    }
    for one in &shipped().ics.techniques {
        assert!(!catalogue.id(&one.id).is_empty());
    }
}

fn shipped() -> &'static Catalogue {
    static SHIPPED: OnceLock<Catalogue> = OnceLock::new();
    SHIPPED.get_or_init(|| Catalogue::shipped().expect("the shipped catalogue"))
}

/// A sound bundle without its end.
const SOUND: &str = include_str!("sound.stix");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_bundle_is_taken() {
        let sound = format!("{}]}}", SOUND.trim_end());
        assert_eq!(import::read(sound.as_bytes()).expect("a bundle").techniques.len(), 12);
    }
}
