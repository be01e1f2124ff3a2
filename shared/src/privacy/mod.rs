//! How plants learn together and keep to themselves what they saw: updates that are clipped, noised and masked,
//! sums that open only when enough plants agree, and the ledger of what each round costs. Mathematics and
//! values alone: no network, no disk, no model.

pub mod accountant;
pub mod attempt;
pub mod groups;
pub mod keys;
pub mod keystream;
pub mod noise;
pub mod opening;
pub mod policy;
pub mod refusal;
pub mod ring;
pub mod roster;
pub mod shamir;
pub mod update;

#[cfg(test)]
mod tests;
