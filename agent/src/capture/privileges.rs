//! Giving up every right of the process once the capture is open.
//!
//! A decoder that is taken over by a crafted packet must find nothing it may do. Capabilities
//! belong to a thread on Linux and are inherited by the threads it starts.

use caps::{CapSet, Capability};

use super::CaptureError;

/// Clears every capability of this thread, for good. Threads that run already keep theirs, so it
/// is to be called before others are started; open captures go on.
pub fn drop_capabilities() -> Result<(), CaptureError> {
    // What a program could regain by executing another one goes first: that needs a right itself.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(true) {
        clear(CapSet::Bounding, "bounding")?;
    }
    if caps::runtime::ambient_set_supported().is_ok() {
        clear(CapSet::Ambient, "ambient")?;
    }
    clear(CapSet::Inheritable, "inheritable")?;
    clear(CapSet::Permitted, "permitted")?;
    clear(CapSet::Effective, "effective")
}

fn clear(set: CapSet, name: &'static str) -> Result<(), CaptureError> {
    let failed = |message: String| CaptureError::Capabilities { set: name, message };
    caps::clear(None, set).map_err(|error| failed(error.to_string()))?;
    let left = caps::read(None, set).map_err(|error| failed(error.to_string()))?;
    if left.is_empty() { Ok(()) } else { Err(failed(format!("{} are still there", left.len()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_after_dropping_and_dropping_again_is_fine() {
        let left = std::thread::spawn(|| {
            drop_capabilities().unwrap();
            drop_capabilities().unwrap();
            [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable, CapSet::Ambient]
                .map(|set| caps::read(None, set).unwrap().len())
        });
        assert_eq!(left.join().unwrap(), [0; 4]);
    }
}
