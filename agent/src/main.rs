//! The agent's commands.
fn main() {}
