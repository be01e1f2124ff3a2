//! What the intake counts, for metrics and for the tests: nothing is refused or dropped in silence.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident $doc:literal,)*) => {
        /// What was counted since the start.
        #[derive(Debug, Default)]
        pub struct Counters {
            $(#[doc = $doc] pub $name: Counter,)*
        }

        impl Counters {
            /// All of them by name.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

counters! {
    retries "First packets that were answered with a token to prove their address.",
    limited "Handshakes that one address, or all together, began too often.",
    crowded "Handshakes for which no place was free.",
    handshakes_failed "Handshakes that came to nothing or took too long.",
    refused "Connections without a certificate that serves.",
    sessions "Sessions that began.",
    replaced "Sessions that ended since the agent came again.",
    duplicate_identity "Sessions of two that use one certificate in turn.",
    version_refused "Sessions without a wire version in common.",
    revoked "Live sessions that were closed by a revocation.",
    aged "Live sessions that were closed for their age or the end of their certificate.",
    hostile "Sessions closed for what no agent of ours sends.",
    wrong_facility "Sessions closed for an alert of another facility.",
    batches "Batches that were committed.",
    records "Records in them.",
    again "Records that had been committed before.",
    contradicted "Records whose key was committed with another payload.",
    unreadable "Records that are kept unread.",
    lost "Records that agents cannot send any more although this database lacks them.",
    commit_errors "Commits that failed and were tried again.",
    seconds "Seconds of traffic that came.",
    seconds_dropped "Seconds of traffic for which there was no room.",
    minutes "Minutes of web requests that came.",
    minutes_dropped "Minutes of web requests for which there was no room.",
    doors "Requests at the doors for certificates.",
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.add_many(1);
    }

    /// So many more.
    pub fn add_many(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
