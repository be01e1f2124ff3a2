//! What is said between the aggregator and a simulator that plays for demonstrations. A simulator has a
//! certificate of its own kind and a door of its own; nothing that it says becomes an alert.

use prost::Message;

/// A simulator says which plant it plays. The facility is the one in its certificate.
#[derive(Clone, PartialEq, Message)]
pub struct DemoHello {
    /// Wire versions that it speaks.
    #[prost(uint32, repeated, tag = "1")]
    pub versions: Vec<u32>,
    /// The release of its program.
    #[prost(string, tag = "2")]
    pub release: String,
    /// The kind of plant: `water`.
    #[prost(string, tag = "3")]
    pub plant: String,
    /// What it can play: see [`SCENARIOS`].
    #[prost(string, repeated, tag = "4")]
    pub scenarios: Vec<String>,
}

/// What a simulator is to do.
#[derive(Clone, PartialEq, Message)]
pub struct DemoOrder {
    /// See [`DemoDo`].
    #[prost(enumeration = "DemoDo", tag = "1")]
    pub what: i32,
    /// Number of the scenario, given by the aggregator: a UUID; empty for a reset.
    #[prost(string, tag = "2")]
    pub id: String,
    /// Which; empty for a reset.
    #[prost(string, tag = "3")]
    pub scenario: String,
}

/// What a simulator can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum DemoDo {
    /// Nothing that this end knows.
    Nothing = 0,
    /// Play a scenario. It says how that goes.
    Play = 1,
    /// End what is played, and say that nothing is.
    Reset = 2,
}

/// How it goes.
#[derive(Clone, PartialEq, Message)]
pub struct DemoReport {
    /// Of the order; empty after a reset.
    #[prost(string, tag = "1")]
    pub id: String,
    /// See [`DemoState`].
    #[prost(enumeration = "DemoState", tag = "2")]
    pub state: i32,
    /// Steps that are done.
    #[prost(uint32, tag = "3")]
    pub done: u32,
    /// Steps that there are.
    #[prost(uint32, tag = "4")]
    pub steps: u32,
    /// What is played now: `unit-sweep`.
    #[prost(string, tag = "5")]
    pub attack: String,
    /// Its technique.
    #[prost(string, tag = "6")]
    pub technique: String,
    /// In words, why it failed.
    #[prost(string, tag = "7")]
    pub words: String,
}

/// How far a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum DemoState {
    /// After a reset, or nothing that this end knows.
    Idle = 0,
    /// It goes on.
    Playing = 1,
    /// All of it was played.
    Done = 2,
    /// It came to nothing; `words` says why.
    Failed = 3,
}

/// What can be played, as both ends call it.
pub const SCENARIOS: [&str; 2] = ["port-scan", "multi-stage"];
/// Steps of a scenario.
pub const MOST_STEPS: u32 = 64;
