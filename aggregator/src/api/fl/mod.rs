//! Federated learning: rounds, who takes part, and what it costs of the privacy budget. All of it is what the store
//! has; a round is begun by a row that its driver takes.

mod body;
mod clients;
pub mod feed;
mod privacy;
mod rounds;
mod settings;

use super::principal::Role;
use super::route::{Policy, Routes};
use utoipa_axum::routes;

pub use body::{ClientBody, RoundBody};
pub use rounds::{Abort, Begun, NETWORK, RoundWish, STRATEGY, begin, is_name, said};
pub use settings::{Configured, object};

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    // A round concerns all plants, and spends of the privacy budget of each.
    let act = Policy::Whole(Role::Engineer);
    Routes::of("fl", "Federated rounds, who takes part, and what they cost of privacy")
        .add(look, routes!(rounds::current))
        .add(look, routes!(rounds::list))
        .add(look, routes!(rounds::history))
        .add(look, routes!(rounds::one))
        .act(act, routes!(rounds::trigger))
        .act(act, routes!(rounds::pause))
        .act(act, routes!(rounds::resume))
        .act(act, routes!(rounds::abort))
        .add(look, routes!(clients::list))
        .add(look, routes!(clients::one))
        .add(look, routes!(privacy::metrics))
}
