//! Noise for whole plants, where this plant wants it: all that it sends must be hidden among the others, and not its
//! windows alone. Each adds its part of a discrete Gaussian to its update before it is masked, so nobody ever sees the
//! sum without all of them. What that spends is entered apart from what training spends of windows: neither epsilon
//! says anything of the other.

use fieldward_shared::privacy::accountant::event::{Discrete, Mechanism, Unit};
use fieldward_shared::privacy::policy::{Books, Offer, Policy};
use fieldward_shared::privacy::refusal::Refusal;
use fieldward_shared::privacy::ring::Ring;
use fieldward_shared::privacy::roster::Attempted;
use fieldward_shared::wire::RoundOffer;

use super::player::privacy;

/// What a round offers to the plant as a whole; none when it asks for nothing and is offered nothing. One that hides
/// plants is refused where that is not wanted: its noise would be entered nowhere.
pub(super) fn offered(
    offer: &RoundOffer,
    attempted: Attempted,
    policy: &Policy,
) -> Result<Option<(Offer, Policy)>, Refusal> {
    let unit = Unit::Plant;
    let refused = |asked| Refusal::Noise { unit: unit.name(), asked, wanted: policy.plant_noise };
    if policy.plant_noise <= 0.0 {
        return if offer.deviation == 0 { Ok(None) } else { Err(refused(0.0)) };
    }
    let policy = Policy { unit, noise: policy.plant_noise, ..*policy };
    let plants = usize::try_from(offer.plants).unwrap_or(usize::MAX).saturating_sub(policy.colluders);
    let ring = Ring::new(privacy(offer, attempted, Mechanism::Gaussian { noise: 1.0, steps: 1 }).ring)?;
    let length = usize::try_from(offer.length).unwrap_or(usize::MAX);
    let mechanism = Mechanism::Discrete(Discrete {
        norm: ring.rounded_norm2(length).sqrt(),
        deviation: offer.deviation as f64,
        plants: u32::try_from(plants).unwrap_or(u32::MAX),
        length: offer.length,
        steps: 1,
    });
    if !mechanism.is_sound() {
        return Err(refused(0.0));
    }
    Ok(Some((Offer { unit, ..privacy(offer, attempted, mechanism) }, policy)))
}

/// The same, held against limits and past.
pub(super) fn check(
    offer: &RoundOffer,
    attempted: Attempted,
    policy: &Policy,
    books: &impl Books,
) -> Result<Option<Offer>, Refusal> {
    let Some((whole, policy)) = offered(offer, attempted, policy)? else { return Ok(None) };
    whole.check(&policy, books)?;
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use fieldward_shared::privacy::accountant::ledger::Budget;

    use super::super::books::FileBooks;
    use super::super::config::Privacy;
    use super::*;

    /// An offer to five plants that hide as a whole, four of whom open the sum, of four parameters.
    fn offer(noise: f64) -> RoundOffer {
        let plain =
            RoundOffer { bits: 20, clip: 1.0, members: 32, length: 4, noise: 1.0, ..RoundOffer::default() };
        let about = Attempted { federation: Privacy::default().policy().federation, ..about() };
        let ring = Ring::new(privacy(&plain, about, Mechanism::Gaussian { noise, steps: 1 }).ring).unwrap();
        let each = noise * ring.rounded_norm2(4).sqrt() / 2.0;
        RoundOffer { deviation: each.ceil() as u64, plants: 4, ..plain }
    }

    fn about() -> Attempted {
        Attempted { federation: uuid::Uuid::nil(), epoch: 1, round: 1, attempt: 1, model: [1; 32] }
    }

    #[test]
    fn a_plant_is_hidden_as_it_wants_or_takes_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let books = FileBooks::open(folder.path(), Budget { epsilon: 30.0, delta: 1e-5 }).unwrap();
        let wants =
            |plant_noise, colluders| Privacy { plant_noise, colluders, ..Privacy::default() }.policy();
        let of = Attempted { federation: wants(0.0, 0).federation, ..about() };
        let ask = |offer: &RoundOffer, policy: &Policy| check(offer, of, policy, &books);
        let none = RoundOffer { deviation: 0, plants: 0, ..offer(1.0) };
        assert_eq!(ask(&none, &wants(0.0, 0)), Ok(None));
        let event = ask(&offer(1.0), &wants(1.0, 0)).unwrap().unwrap().event();
        assert_eq!((event.unit, event.mechanism.noise() >= 1.0), (Unit::Plant, true));
        // Noise that would be entered nowhere, none where some is wanted, too little, and too little once those that
        // may side with the aggregator are left out.
        for (offer, policy) in [
            (offer(1.0), wants(0.0, 0)),
            (none, wants(1.0, 0)),
            (offer(0.5), wants(1.0, 0)),
            (offer(1.0), wants(1.0, 1)),
            (RoundOffer { plants: 0, ..offer(1.0) }, wants(1.0, 0)),
        ] {
            let refused = ask(&offer, &policy);
            assert!(matches!(refused, Err(Refusal::Noise { unit: "plant", .. })), "{refused:?}");
        }
        // The budget of plants is one of its own.
        let folder = tempfile::tempdir().unwrap();
        let poor = FileBooks::open(folder.path(), Budget { epsilon: 1.0, delta: 1e-5 }).unwrap();
        assert_eq!(check(&offer(1.0), of, &wants(1.0, 0), &poor), Err(Refusal::Budget("plant")));
    }
}
