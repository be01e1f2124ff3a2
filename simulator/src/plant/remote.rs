//! A remote I/O block behind a serial gateway: a few analogue inputs and contacts out in the yard.
//! Every kind of plant has them.

use super::cell::CellKind;
use super::points::{Form, Part, coil, discrete, holding, input};

/// The block.
pub const BLOCK: CellKind = CellKind {
    name: "remote I/O",
    points: &[
        input("analogue 1", 0, Form::Signed(10.0), 0, -20.0, 120.0),
        input("analogue 2", 1, Form::Signed(10.0), 1, -20.0, 120.0),
        input("analogue 3", 2, Form::Signed(10.0), 2, -20.0, 120.0),
        input("analogue 4", 3, Form::Signed(10.0), 3, -20.0, 120.0),
        holding("range 1", 0, Form::Word(1.0), 4, Part::Limit, 90.0, 100.0),
        holding("filter time", 1, Form::Word(10.0), 5, Part::Setpoint, 0.5, 5.0),
        coil("output 1", 0, 6, Part::Command),
        coil("output 2", 1, 7, Part::Command),
        discrete("contact 1", 0, 8, Part::Status),
        discrete("contact 2", 1, 9, Part::Status),
    ],
    start: &[22.0, 41.0, 63.0, 35.0, 100.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    spare: 8,
    step: |vars, controlled, env| {
        let middles = [18.0 + 10.0 * env.load, 41.0, 40.0 + 40.0 * env.load, 35.0];
        for (var, middle) in vars.iter_mut().zip(middles) {
            *var = middle + env.wander(*var - middle, 300.0, 1.2);
        }
        if controlled {
            vars[8] = f64::from(vars[2] < 90.0);
            vars[9] = vars[6];
        }
        env.feed
    },
};
