//! Rounds over the real link: plants train, hide in a sum, judge what came of it and take it over; whoever goes,
//! cheats or does not fit is left behind with a reason.

mod brought;
mod cheating;
mod crashes;
mod guarded;
mod hidden;
mod leaving;
mod limits;
mod real;
mod seen;
mod theatre;
mod whole;

use std::path::Path;

use fieldward_agent::round::Privacy;
use fieldward_aggregator::round::RoundTerms;
use fieldward_tests::link::office::Office;
use fieldward_tests::link::{HERE, limits, until};
use fieldward_tests::rounds::{Driving, Plant, import, privacy, terms};

/// An aggregator, its driver, and plants.
pub struct Lab {
    /// Where everything lies.
    pub folder: tempfile::TempDir,
    /// The aggregator.
    pub office: Office,
    /// Who drives.
    pub driving: Driving,
    /// The plants.
    pub plants: Vec<Plant>,
}

/// Weights of the model.
pub const LENGTH: usize = 500;

impl Lab {
    /// With so many plants, all connected.
    pub async fn of(plants: u64) -> Self {
        Self::with(plants, terms()).await
    }

    /// The same under other terms.
    pub async fn with(plants: u64, terms: RoundTerms) -> Self {
        Self::of_plants(vec![privacy(); plants as usize], terms).await
    }

    /// With plants of such limits.
    pub async fn of_plants(limits_of: Vec<Privacy>, terms: RoundTerms) -> Self {
        Self::of_length(LENGTH, limits_of, terms).await
    }

    /// With another number of weights.
    pub async fn of_length(length: usize, limits_of: Vec<Privacy>, terms: RoundTerms) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let office = Office::open(folder.path(), HERE, limits()).await.expect("an aggregator");
        import(&office.aggregator.store, length).await.expect("a model");
        let driving = Driving::start(&office, terms);
        let mut lab = Self { folder, office, driving, plants: Vec::new() };
        for (nth, privacy) in (0..).zip(limits_of) {
            let name = format!("plant-{nth}");
            let plant = Plant::start_under(privacy, &lab.office, lab.path(), &name, length, nth).await;
            lab.plants.push(plant.expect("a plant"));
        }
        lab.all_are_here().await;
        lab
    }

    /// Where everything lies.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until all plants have a session.
    pub async fn all_are_here(&self) {
        let tasks = self.office.aggregator.intake.tasks();
        until("all plants are here", || tasks.present().len() >= self.plants.len()).await;
    }

    /// Ends in order.
    pub async fn close(mut self) {
        self.plants.iter_mut().for_each(Plant::stop);
        self.driving.stop().await;
        self.office.close().await;
    }
}
