//! Pieces of control programs that several kinds of plant use: two-point and PI controllers, and the
//! guard that trips a machine and lets it start again. They are stepped like the process itself.

/// A two-point controller: on when the error exceeds `band`, off when it is below `-band`.
pub fn switch(now: f64, error: f64, band: f64) -> f64 {
    if error > band {
        1.0
    } else if error < -band {
        0.0
    } else {
        now
    }
}

/// A PI controller.
#[derive(Clone, Copy)]
pub struct Pi {
    /// Output per unit of error.
    pub gain: f64,
    /// Output per unit of error and second.
    pub rate: f64,
    /// What the actuator can do.
    pub range: (f64, f64),
}

impl Pi {
    /// The output for this error. The integral goes no further than the actuator can.
    pub fn output(&self, integral: &mut f64, error: f64, seconds: f64) -> f64 {
        let (low, high) = self.range;
        *integral = (*integral + error * self.rate * seconds).clamp(low, high);
        (*integral + error * self.gain).clamp(low, high)
    }
}

/// What keeps a machine from harm: the variables of its command, its trip, who acknowledged it, and how
/// long the shift will need until it has set the machine going again.
#[derive(Clone, Copy)]
pub struct Guard {
    /// Switches the machine.
    pub command: usize,
    /// The trip stands.
    pub tripped: usize,
    /// Somebody acknowledged it.
    pub acked: usize,
    /// Seconds until the shift has seen to it.
    pub wait: usize,
}

impl Guard {
    /// Trips for a `cause`. Once that is gone, the machine starts after an acknowledgement, or when the
    /// shift has been there; so it does when an automatic machine was switched off by mistake.
    pub fn watch(&self, vars: &mut [f64], cause: bool, automatic: bool, seconds: f64) {
        if cause {
            vars[self.tripped] = 1.0;
            vars[self.wait] = SHIFT;
        }
        let tripped = vars[self.tripped] > 0.5;
        if tripped {
            vars[self.command] = 0.0;
        } else {
            vars[self.acked] = 0.0;
        }
        if vars[self.command] > 0.5 {
            vars[self.wait] = SHIFT;
        } else if !cause && (tripped || automatic) {
            vars[self.wait] -= seconds;
            if vars[self.wait] <= 0.0 || vars[self.acked] > 0.5 {
                (vars[self.tripped], vars[self.acked], vars[self.command]) = (0.0, 0.0, 1.0);
            }
        }
    }
}

/// An alarm that an acknowledgement silences until its cause is gone; then the next one sounds again.
pub fn alarm(vars: &mut [f64], alarm: usize, acked: usize, cause: bool) {
    if !cause {
        vars[acked] = 0.0;
    }
    vars[alarm] = f64::from(cause && vars[acked] < 0.5);
}

/// How long the shift needs to find, see and restart what stands still: seconds.
pub const SHIFT: f64 = 600.0;
