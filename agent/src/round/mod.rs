//! A plant's part in federated rounds: it trains from the model that all share, hides its update among those of its
//! group, judges what came of it, and takes it over if it is no worse. It believes its aggregator nothing that others
//! have not signed, and goes no further when anything is not as it must be.
//!
//! ```text
//! link ─▶ uplink/task ─▶ Desk ─▶ Player (a thread of low priority) ─▶ Learner
//! ```

pub mod books;
pub mod config;
pub mod desk;
mod judging;
pub mod known;
pub mod player;
mod summing;
mod whole;

pub use books::{BooksError, FileBooks};
pub use config::Privacy;
pub use desk::{Control, Desk};
pub use player::{Player, Reply, Task};
