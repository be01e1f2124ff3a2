//! Detection on captures that others made: they are learnt from and watched where they lie, beside the
//! repository, with labels made from what came with them. Nothing of them is kept here.

mod cases;
mod exam;
mod packets;
mod techniques;

pub use cases::{Case, Group, cases, of};
pub use exam::{Models, Outcome, Plain, learn, watch};
pub use packets::{Packets, Seen, merge};

use std::path::PathBuf;

/// Where the captures of others lie; none where they are absent.
pub fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    folder.is_dir().then_some(folder)
}
