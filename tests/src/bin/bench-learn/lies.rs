//! What a plant of ten that lies costs, by strategy, where plants are alike and where they differ.

use anyhow::Result;
use fieldward_agent::detect::autoencoder::own::Own;
use fieldward_agent::learn::windows::Minute;

use crate::Arguments;
use crate::exam::{Figures, examine};
use crate::helps::{learnt, scaler};
use crate::plants::{self, New};
use crate::rounds::{Lie, Way, together};

/// A row for each strategy and condition.
pub fn lies(arguments: &Arguments) -> Result<()> {
    let new = plants::new(arguments)?;
    let taught = plants::attacked(0, arguments)?;
    println!(
        "{:18} {:10} {:10} {:>10} {:>7} {:>8} {:>9}",
        "strategy", "plants", "lie", "same calm", "area", "refused", "rejected"
    );
    for (plants, of) in
        [("alike", plants::alike(1, arguments)?), ("different", plants::different(1, arguments)?)]
    {
        // Plants that are alike know nothing of other kinds.
        let new: Vec<&New> =
            new.iter().filter(|new| plants != "alike" || new.kind == plants::kind(0)).collect();
        for strategy in arguments.strategy.split(',') {
            for (lie, name) in LIES {
                let mut of = of.clone();
                if lie == Some(Lie::Teach) {
                    // From now on, since windows are known by their number.
                    of[0] = taught.clone();
                }
                one(&of, &new, (strategy, lie, plants, name), arguments)?;
            }
        }
    }
    Ok(())
}

fn one(
    plants: &[Vec<Minute>],
    new: &[&New],
    (strategy, lie, are, name): (&str, Option<Lie>, &str, &str),
    arguments: &Arguments,
) -> Result<()> {
    let group = if strategy == "trimmed_groups" { 3 } else { 16 };
    let way = Way { strategy, liars: 1, group, vote: arguments.vote, lie };
    let scale = |minutes: &[Minute]| scaler(arguments.scaling, plants, minutes);
    let shared = together(plants, &|minutes| Some(scale(minutes)), &way, arguments)?;
    let mut mean = Figures::default();
    let share = 1.0 / new.len().max(1) as f64;
    for new in new {
        let scaler = scale(&new.few);
        let mut model = Own::fit(&shared.weights, &scaler, &learnt(&new.few))?;
        mean.add(&examine(&mut model, &new.few, new)?, share);
    }
    println!(
        "{strategy:18} {are:10} {name:10} {:8.1} % {:7.3} {:8} {:9}",
        mean.same * 100.0,
        mean.area,
        shared.refused,
        shared.rejected
    );
    Ok(())
}

const LIES: [(Option<Lie>, &str); 4] =
    [(None, "none"), (Some(Lie::Flip), "flip"), (Some(Lie::Replace), "replace"), (Some(Lie::Teach), "teach")];
