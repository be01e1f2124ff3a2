//! Flows: who talks with whom, and their bytes in order.

mod feed;
mod key;

pub use feed::{Feed, Outcome};
pub use key::{Addr, Both, Direction, Endpoint, FlowInfo, Transport};
