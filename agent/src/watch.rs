//! From packet to finding as one plain struct: the pipeline, the context window, the detectors.
//! Synchronous, no clock, no lock.

use fieldward_shared::time::Timestamp;

use crate::capture::Packet;
use crate::detect::{Detector, Finding};
use crate::frame::{Arp, Frame};
use crate::pipeline::{Limits, Pipeline};
use crate::protocol::{ProtocolEvent, Sink};
use crate::requests::Requests;
use crate::window::{Passed, Window};

/// Packets in, findings out.
pub struct Watch {
    pipeline: Pipeline,
    eyes: Eyes,
}

/// What looks at everything that comes by.
struct Eyes {
    window: Window,
    requests: Requests,
    detectors: Vec<Box<dyn Detector>>,
    found: Vec<Finding>,
}

impl Watch {
    /// Watches with these detectors.
    pub fn new(limits: Limits, detectors: Vec<Box<dyn Detector>>) -> Self {
        let (window, requests) = (Window::default(), Requests::default());
        let eyes = Eyes { window, requests, detectors, found: Vec::new() };
        Self { pipeline: Pipeline::new(limits), eyes }
    }

    /// One packet, in capture order.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        self.eyes.pass(packet.ts);
        self.pipeline.packet(packet, &mut self.eyes);
    }

    /// The capture is over.
    pub fn finish(&mut self) {
        self.pipeline.finish(&mut self.eyes);
        self.eyes.requests.finish();
    }

    /// What was found since the last call.
    pub fn findings(&mut self) -> std::vec::Drain<'_, Finding> {
        self.eyes.found.drain(..)
    }

    /// Gives away what was found since the last call, with the window in which it was found.
    pub fn drain(&mut self, mut each: impl FnMut(Finding, &Window)) {
        let Eyes { window, found, .. } = &mut self.eyes;
        found.drain(..).for_each(|finding| each(finding, window));
    }

    /// The second that is being counted.
    pub const fn second(&self) -> Option<u64> {
        self.eyes.window.now()
    }

    /// The last minute.
    pub const fn window(&self) -> &Window {
        &self.eyes.window
    }

    /// Web requests of the minute that is over, once; none that nobody takes are kept.
    pub const fn requests(&mut self) -> &mut Requests {
        &mut self.eyes.requests
    }

    /// What stands before the detectors.
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Goes on with other detectors, and gives back those that watched until now.
    pub fn exchange(&mut self, detectors: Vec<Box<dyn Detector>>) -> Vec<Box<dyn Detector>> {
        std::mem::replace(&mut self.eyes.detectors, detectors)
    }

    /// The detectors.
    pub fn detectors(&self) -> &[Box<dyn Detector>] {
        &self.eyes.detectors
    }

    /// One detector more.
    pub fn join(&mut self, detector: Box<dyn Detector>) {
        self.eyes.detectors.push(detector);
    }

    /// The detectors, to take what they learnt.
    pub fn into_detectors(self) -> Vec<Box<dyn Detector>> {
        self.eyes.detectors
    }
}

impl Eyes {
    fn pass(&mut self, ts: Timestamp) {
        let passed = self.window.pass(ts);
        if let (true, Some(second)) = (passed != Passed::Nothing, self.window.now()) {
            self.requests.pass(second);
        }
        match passed {
            Passed::Nothing => {}
            Passed::Seconds(first, last) => {
                for second in first..=last {
                    for detector in &mut self.detectors {
                        detector.second(second, &self.window, &mut self.found);
                    }
                }
            }
            Passed::Restart => {
                let times = self.window.restarts;
                // A capture of two clocks would say it with every packet.
                if times.is_power_of_two() {
                    tracing::warn!(at = %ts, times, "the clock was set or nothing came for long: windows begin anew");
                }
            }
        }
    }
}

impl Sink for Eyes {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        self.window.event(event);
        self.requests.event(event);
        for detector in &mut self.detectors {
            detector.event(event, &mut self.found);
        }
    }

    fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>) {
        self.window.frame(frame);
        for detector in &mut self.detectors {
            detector.frame(ts, frame, &mut self.found);
        }
    }

    fn arp(&mut self, ts: Timestamp, arp: &Arp) {
        for detector in &mut self.detectors {
            detector.arp(ts, arp, &mut self.found);
        }
    }
}
