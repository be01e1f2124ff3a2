//! Alerts that have been quiet. When the same goes on later, it is the same alert, seen again, and no other:
//! a laptop that asks one controller after another, a historian that catches up every night. What could do
//! harm is told each time, unless nobody in particular does it.

use fieldward_shared::time::Timestamp;

use super::Told;
use super::incident::{Incident, Key};
use crate::classify::Classifier;

/// In the order in which they fell asleep.
#[derive(Default)]
pub struct Asleep(Vec<Incident>);

impl Asleep {
    /// Whether all that an incident shows so far is more of what sleeps, and so no news.
    pub fn covers(&self, now: &Incident, classifier: Option<&Classifier>) -> bool {
        self.before(now, classifier).is_some()
    }

    /// One has been quiet. It sleeps if it is an alert, or else is part of one that sleeps, or of none.
    pub fn put(
        &mut self,
        mut incident: Incident,
        facility: &str,
        classifier: Option<&Classifier>,
        told: &mut Vec<Told>,
    ) {
        incident.settle();
        if let Some(alert) = incident.alert(facility, classifier) {
            told.push(Told::Updated(alert));
            if self.0.len() >= MOST {
                told.extend(self.0.remove(0).alert(facility, classifier).map(Told::Closed));
            }
            self.0.push(incident);
        } else if let Some(place) = self.before(&incident, classifier) {
            let old = &mut self.0[place];
            old.go_on(incident);
            told.extend(old.alert(facility, classifier).map(Told::Updated));
        }
    }

    /// A second is over: what slept for long is over.
    pub fn second(
        &mut self,
        now: Timestamp,
        facility: &str,
        classifier: Option<&Classifier>,
        told: &mut Vec<Told>,
    ) {
        let over = self.0.extract_if(.., |old| now.since(old.last()) > LONGEST);
        told.extend(over.filter_map(|old| old.alert(facility, classifier)).map(Told::Closed));
    }

    /// All are over.
    pub fn finish(&mut self, facility: &str, classifier: Option<&Classifier>, told: &mut Vec<Told>) {
        told.extend(self.0.drain(..).filter_map(|old| old.alert(facility, classifier)).map(Told::Closed));
    }

    /// The one that an incident is more of: the same key, and nothing that it had not shown. A newcomer must
    /// go on soon, and by the same technique.
    fn before(&self, now: &Incident, classifier: Option<&Classifier>) -> Option<usize> {
        let pause = match now.key() {
            Key::Actor(_) if now.gravest() > HARMLESS || now.is_more() => return None,
            Key::Actor(_) if !now.is_stranger() => LONGEST,
            _ => HOUR,
        };
        let is_more = |old: &Incident| {
            old.key() == now.key()
                && now.first().since(old.last()) <= pause
                && now.kinds() & !old.kinds() == 0
        };
        let mut sleeping = (0..self.0.len()).rev().filter(|place| is_more(&self.0[*place])).peekable();
        sleeping.peek()?;
        let likeliest = classifier.and_then(|classifier| now.likeliest(classifier));
        sleeping.find(|place| !now.is_stranger() || self.0[*place].technique() == likeliest.as_deref())
    }
}

/// Findings of no more consequence harm nobody, unless there are too many.
const HARMLESS: f32 = 0.5;
/// Alerts that sleep; the one that slept longest is over when there are more.
const MOST: usize = 64;
const HOUR: u64 = 3_600_000_000;
/// One that sleeps longer is over: microseconds.
const LONGEST: u64 = 7 * 24 * HOUR;
