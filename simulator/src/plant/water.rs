//! A water works: wells fill a raw water tank, chemicals are dosed, filters clean and are washed, a
//! reservoir holds a day's swing, pumps keep the pressure of the town's network.

use super::cell::{CellKind, Env, variables};
use super::control::{Guard, Pi, alarm, switch};
use super::points::{Form, Part, coil, discrete, holding, input};
use super::{Kind, remote};

/// The water works.
pub static PLANT: Kind = Kind {
    name: "water",
    about: "water treatment: wells, dosing, filters, reservoir, booster pumps",
    octet: 11,
    cells: &[INTAKE, DOSING, FILTER, RESERVOIR, BOOSTER, remote::BLOCK],
    load: [
        0.36, 0.32, 0.30, 0.30, 0.34, 0.48, 0.72, 0.92, 0.95, 0.86, 0.80, 0.78, 0.80, 0.76, 0.70, 0.68, 0.72,
        0.80, 0.90, 0.94, 0.86, 0.72, 0.56, 0.44,
    ],
    domain: "water.plant",
    makes: &[
        ("Nordwerk", "NW-340", "2.4.1"),
        ("Halden Controls", "HC-1200", "V5.10"),
        ("Nordwerk", "NW-350", "3.0.2"),
    ],
    sensors: &[
        ("turbidity", 0.4, 0.05),
        ("chlorine", 0.8, 0.03),
        ("ph", 7.4, 0.04),
        ("vibration", 2.1, 0.3),
        ("temperature", 11.5, 0.4),
    ],
};

variables!(intake:
    LEVEL = 3.2, INFLOW = 120.0, OUTFLOW = 110.0, PUMP1 = 1.0, PUMP2 = 0.0, SETPOINT = 3.2, HIGH = 4.5,
    LOW = 1.2, ALARM = 0.0, MODE = 2.0, HOURS = 812.0, SHOWN = 3.2, TURBIDITY = 0.6, ACKED = 0.0,
    DRYRUN = 0.3, BEAT = 0.0,
);

const INTAKE: CellKind = CellKind {
    name: "intake",
    points: &[
        input("tank level", 0, Form::Word(1000.0), intake::SHOWN, 2.0, 4.6),
        input("inflow", 1, Form::Word(10.0), intake::INFLOW, 0.0, 264.0),
        input("outflow", 2, Form::Word(10.0), intake::OUTFLOW, 0.0, 240.0),
        input("turbidity", 3, Form::Word(100.0), intake::TURBIDITY, 0.1, 1.4),
        holding("level setpoint", 0, Form::Word(1000.0), intake::SETPOINT, Part::Setpoint, 2.6, 4.0),
        holding("level high alarm", 1, Form::Word(1000.0), intake::HIGH, Part::Limit, 4.2, 4.8),
        holding("level low alarm", 2, Form::Word(1000.0), intake::LOW, Part::Limit, 0.8, 1.8),
        holding("mode", 3, Form::Word(1.0), intake::MODE, Part::Mode, 2.0, 2.0),
        holding("pump hours", 4, Form::Word(1.0), intake::HOURS, Part::Counter, 0.0, 65535.0),
        holding("heartbeat", 5, Form::Word(1.0), intake::BEAT, Part::Counter, 0.0, 65535.0),
        holding("dry run trip", 8, Form::Word(1000.0), intake::DRYRUN, Part::Safety, 0.3, 0.3),
        coil("well pump 1", 0, intake::PUMP1, Part::Command),
        coil("well pump 2", 1, intake::PUMP2, Part::Command),
        coil("acknowledge", 4, intake::ACKED, Part::Status),
        discrete("level alarm", 0, intake::ALARM, Part::Status),
    ],
    start: intake::START,
    spare: 40,
    step: |vars, controlled, env| {
        use intake::*;
        if controlled {
            if vars[MODE] > 1.5 {
                let error = vars[SETPOINT] - vars[LEVEL];
                vars[PUMP1] = switch(vars[PUMP1], error, 0.05);
                vars[PUMP2] = switch(vars[PUMP2], error - 0.25, 0.1);
            }
            if vars[LEVEL] < vars[DRYRUN] {
                vars[OUTFLOW] = 0.0;
            }
            let out_of_band = vars[LEVEL] > vars[HIGH] || vars[LEVEL] < vars[LOW];
            alarm(vars, ALARM, ACKED, out_of_band);
            vars[BEAT] = if env.every(5) { (vars[BEAT] + 1.0) % 65536.0 } else { vars[BEAT] };
        }
        vars[INFLOW] = metered(vars[INFLOW], 130.0 * (vars[PUMP1] + vars[PUMP2]), 6.0, env);
        vars[OUTFLOW] = metered(vars[OUTFLOW], 225.0 * env.load * f64::from(vars[LEVEL] > 0.1), 20.0, env);
        vars[LEVEL] = flow_into(vars[LEVEL], vars[INFLOW] - vars[OUTFLOW], 60.0, 5.0, env);
        vars[HOURS] += (vars[PUMP1] + vars[PUMP2]) * env.seconds / 3600.0;
        vars[SHOWN] = env.sense(vars[LEVEL], 0.002, 0.001).max(0.0);
        vars[TURBIDITY] = (0.6 + env.wander(vars[TURBIDITY] - 0.6, 900.0, 0.1)).max(0.15);
        vars[OUTFLOW] / 225.0
    },
};

variables!(dosing:
    CHLORINE = 0.8, RATE = 2.0, SETPOINT = 0.8, PH = 7.4, PH_SETPOINT = 7.4, CAUSTIC = 1.4, TANK = 76.0,
    PUMP = 1.0, MODE = 2.0, HIGH = 1.8, TRIP = 3.0, ALARM = 0.0, FLOW = 110.0, SHOWN = 0.8, INTEGRAL = 1.5,
    CAUSTIC_INTEGRAL = 1.4, DOSED = 1880.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0,
);

const DOSING: CellKind = CellKind {
    name: "dosing",
    points: &[
        input("residual chlorine", 0, Form::Word(1000.0), dosing::SHOWN, 0.3, 1.4),
        input("ph", 1, Form::Word(100.0), dosing::PH, 7.08, 8.0),
        input("dosing rate", 2, Form::Word(100.0), dosing::RATE, 0.0, 6.0),
        input("chemical tank", 3, Form::Word(10.0), dosing::TANK, 8.0, 100.0),
        input("flow", 4, Form::Word(10.0), dosing::FLOW, 0.0, 260.0),
        input("caustic rate", 5, Form::Word(100.0), dosing::CAUSTIC, 0.1, 3.8),
        holding("chlorine setpoint", 0, Form::Word(1000.0), dosing::SETPOINT, Part::Setpoint, 0.6, 1.1),
        holding("ph setpoint", 1, Form::Word(100.0), dosing::PH_SETPOINT, Part::Setpoint, 7.2, 7.8),
        holding("mode", 2, Form::Word(1.0), dosing::MODE, Part::Mode, 2.0, 2.0),
        holding("chlorine high alarm", 3, Form::Word(1000.0), dosing::HIGH, Part::Limit, 1.5, 2.0),
        holding("dosed amount", 4, Form::Word(1.0), dosing::DOSED, Part::Counter, 0.0, 65535.0),
        holding("overdose trip", 10, Form::Word(1000.0), dosing::TRIP, Part::Safety, 3.0, 3.0),
        coil("dosing pump", 0, dosing::PUMP, Part::Command),
        coil("acknowledge", 4, dosing::ACKED, Part::Status),
        discrete("overdose", 1, dosing::TRIPPED, Part::Status),
        discrete("chlorine alarm", 0, dosing::ALARM, Part::Status),
    ],
    start: dosing::START,
    spare: 32,
    step: |vars, controlled, env| {
        use dosing::*;
        vars[FLOW] = metered(vars[FLOW], 225.0 * env.feed, 8.0, env);
        if controlled && vars[MODE] > 1.5 {
            let chlorine = Pi { gain: 1.5, rate: 0.01, range: (0.0, 8.0) };
            let error = vars[SETPOINT] - vars[CHLORINE];
            vars[RATE] = chlorine.output(&mut vars[INTEGRAL], error, env.seconds) * vars[PUMP];
            let caustic = Pi { gain: 2.0, rate: 0.02, range: (0.0, 5.0) };
            let error = vars[PH_SETPOINT] - vars[PH];
            vars[CAUSTIC] = caustic.output(&mut vars[CAUSTIC_INTEGRAL], error, env.seconds);
        }
        if controlled {
            let guard = Guard { command: PUMP, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[CHLORINE] > vars[TRIP], vars[MODE] > 1.5, env.seconds);
            vars[ALARM] = f64::from(vars[CHLORINE] > vars[HIGH]);
        }
        let strength = 45.0 * vars[RATE] * vars[PUMP] / vars[FLOW].max(20.0);
        vars[CHLORINE] = env.lag(vars[CHLORINE], strength, 90.0);
        let caustic = 7.0 + vars[CAUSTIC] * 0.285;
        vars[PH] = env.lag(vars[PH], caustic, 120.0) + env.rng.bell() * 0.0008;
        vars[TANK] -= vars[RATE] * vars[PUMP] * env.seconds / 36_000.0;
        vars[DOSED] = (vars[DOSED] + vars[RATE] * vars[PUMP] * env.seconds / 3600.0) % 65536.0;
        if vars[TANK] < 10.0 {
            vars[TANK] = 96.0;
        }
        vars[SHOWN] = env.sense(vars[CHLORINE], 0.004, 0.001).max(0.0);
        env.feed
    },
};

variables!(filter:
    LOSS = 40.0, FLOW = 110.0, WASHING = 0.0, WASH_AT = 150.0, DIRT = 0.3, VALVE = 1.0, MODE = 2.0,
    CYCLES = 412.0, TURBIDITY = 0.06, LIMIT = 0.3, REQUEST = 0.0, LEFT = 0.0, SHOWN = 40.0, TRIP = 230.0,
    TRIPPED = 0.0,
);

const FILTER: CellKind = CellKind {
    name: "filter",
    points: &[
        input("head loss", 0, Form::Word(100.0), filter::SHOWN, 10.0, 190.0),
        input("flow", 1, Form::Word(10.0), filter::FLOW, 0.0, 250.0),
        input("filtrate turbidity", 2, Form::Word(1000.0), filter::TURBIDITY, 0.02, 0.3),
        holding("wash at head loss", 0, Form::Word(100.0), filter::WASH_AT, Part::Setpoint, 120.0, 180.0),
        holding("turbidity alarm", 1, Form::Word(1000.0), filter::LIMIT, Part::Limit, 0.25, 0.4),
        holding("mode", 2, Form::Word(1.0), filter::MODE, Part::Mode, 2.0, 2.0),
        holding("head loss trip", 9, Form::Word(100.0), filter::TRIP, Part::Safety, 230.0, 230.0),
        holding("wash cycles", 3, Form::Word(1.0), filter::CYCLES, Part::Counter, 0.0, 65535.0),
        coil("wash request", 0, filter::REQUEST, Part::Command),
        coil("outlet valve", 1, filter::VALVE, Part::Command),
        discrete("washing", 0, filter::WASHING, Part::Status),
        discrete("head loss trip", 1, filter::TRIPPED, Part::Status),
    ],
    start: filter::START,
    spare: 24,
    step: |vars, controlled, env| {
        use filter::*;
        if controlled && vars[MODE] > 1.5 {
            if vars[WASHING] < 0.5 && (vars[LOSS] > vars[WASH_AT] || vars[REQUEST] > 0.5) {
                (vars[WASHING], vars[REQUEST], vars[LEFT]) = (1.0, 0.0, 420.0);
                vars[VALVE] = 0.0;
            }
            if vars[WASHING] > 0.5 {
                vars[LEFT] -= env.seconds;
                if vars[LEFT] <= 0.0 {
                    (vars[WASHING], vars[VALVE]) = (0.0, 1.0);
                    vars[CYCLES] += 1.0;
                }
            } else {
                vars[VALVE] = 1.0;
            }
        }
        if controlled {
            // Before the bed breaks through; a washing sets it right again.
            let over = vars[LOSS] > vars[TRIP];
            vars[TRIPPED] = f64::from(over || (vars[TRIPPED] > 0.5 && vars[WASHING] < 0.5));
            if vars[TRIPPED] > 0.5 {
                (vars[VALVE], vars[REQUEST]) = (0.0, 1.0);
            }
        }
        vars[FLOW] = metered(vars[FLOW], 225.0 * env.feed * vars[VALVE], 5.0, env);
        // Clogs in about ten hours of full flow, differently fast in each filter.
        let pace = 1.0 + 0.1 * (env.index % 7) as f64;
        let dirt = if vars[WASHING] > 0.5 {
            -env.seconds / 300.0
        } else {
            vars[FLOW] / 225.0 * env.seconds * pace / 36_000.0
        };
        vars[DIRT] = (vars[DIRT] + dirt).clamp(0.05, 1.2);
        vars[LOSS] = 15.0 + 140.0 * vars[DIRT] * (vars[FLOW] / 160.0).powi(2).min(1.6);
        vars[SHOWN] = env.sense(vars[LOSS], 0.4, 0.01).max(0.0);
        vars[TURBIDITY] = (0.05 + 0.04 * vars[DIRT] + env.rng.bell() * 0.002).max(0.01);
        env.feed
    },
};

variables!(reservoir:
    LEVEL = 6.0, INFLOW = 110.0, OUTFLOW = 110.0, SETPOINT = 6.0, HIGH = 7.4, LOW = 2.5, VALVE = 50.0,
    ALARM = 0.0, MODE = 2.0, OVERFLOW = 7.8, SHOWN = 6.0, DELIVERED = 20_114.0, INLET = 1.0, TRIPPED = 0.0,
    ACKED = 0.0, WAIT = 600.0,
);

const RESERVOIR: CellKind = CellKind {
    name: "reservoir",
    points: &[
        input("level", 0, Form::Word(1000.0), reservoir::SHOWN, 4.4, 7.3),
        input("inflow", 1, Form::Word(10.0), reservoir::INFLOW, 0.0, 304.0),
        input("outflow", 2, Form::Word(10.0), reservoir::OUTFLOW, 0.0, 260.0),
        input("inlet valve", 3, Form::Word(10.0), reservoir::VALVE, 0.0, 100.0),
        holding("level setpoint", 0, Form::Word(1000.0), reservoir::SETPOINT, Part::Setpoint, 5.0, 6.6),
        holding("level high alarm", 1, Form::Word(1000.0), reservoir::HIGH, Part::Limit, 7.0, 7.6),
        holding("level low alarm", 2, Form::Word(1000.0), reservoir::LOW, Part::Limit, 2.0, 3.0),
        holding("mode", 4, Form::Word(1.0), reservoir::MODE, Part::Mode, 2.0, 2.0),
        holding("overflow trip", 12, Form::Word(1000.0), reservoir::OVERFLOW, Part::Safety, 7.8, 7.8),
        holding("delivered", 14, Form::Word(1.0), reservoir::DELIVERED, Part::Counter, 0.0, 65535.0),
        coil("inlet", 0, reservoir::INLET, Part::Command),
        coil("acknowledge", 4, reservoir::ACKED, Part::Status),
        discrete("level alarm", 0, reservoir::ALARM, Part::Status),
        discrete("overflow", 1, reservoir::TRIPPED, Part::Status),
    ],
    start: reservoir::START,
    spare: 20,
    step: |vars, controlled, env| {
        use reservoir::*;
        if controlled {
            if vars[MODE] > 1.5 {
                let asked = 50.0 + (vars[SETPOINT] - vars[LEVEL]) * 120.0;
                vars[VALVE] = env.lag(vars[VALVE], asked.clamp(0.0, 100.0), 30.0);
            }
            let guard = Guard { command: INLET, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[LEVEL] > vars[OVERFLOW], vars[MODE] > 1.5, env.seconds);
            vars[ALARM] = f64::from(vars[LEVEL] > vars[HIGH] || vars[LEVEL] < vars[LOW]);
        }
        vars[INFLOW] = metered(vars[INFLOW], vars[VALVE] * vars[INLET] * 3.0, 10.0, env);
        vars[DELIVERED] = (vars[DELIVERED] + vars[OUTFLOW] * env.seconds / 3600.0) % 65536.0;
        vars[OUTFLOW] = metered(vars[OUTFLOW], 225.0 * env.load, 15.0, env);
        vars[LEVEL] = flow_into(vars[LEVEL], vars[INFLOW] - vars[OUTFLOW], 400.0, 8.0, env);
        vars[SHOWN] = env.sense(vars[LEVEL], 0.003, 0.001).max(0.0);
        env.load
    },
};

variables!(booster:
    PRESSURE = 5.0, SPEED = 1100.0, CURRENT = 40.0, FLOW = 110.0, SETPOINT = 5.0, HIGH = 6.6, PUMP = 1.0,
    MODE = 2.0, TEMPERATURE = 62.0, TRIP = 110.0, ALARM = 0.0, ENERGY = 41_233.0, SHOWN = 5.0,
    INTEGRAL = 1100.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0,
);

const BOOSTER: CellKind = CellKind {
    name: "booster",
    points: &[
        input("pressure", 0, Form::Float, booster::SHOWN, 3.8, 6.2),
        input("speed", 2, Form::Float, booster::SPEED, 300.0, 1500.0),
        input("motor current", 4, Form::Float, booster::CURRENT, 5.0, 90.0),
        input("flow", 6, Form::Float, booster::FLOW, 0.0, 260.0),
        input("winding temperature", 8, Form::Float, booster::TEMPERATURE, 20.0, 95.0),
        holding("pressure setpoint", 0, Form::Float, booster::SETPOINT, Part::Setpoint, 4.6, 5.6),
        holding("pressure high alarm", 2, Form::Float, booster::HIGH, Part::Limit, 6.4, 7.0),
        holding("mode", 4, Form::Word(1.0), booster::MODE, Part::Mode, 2.0, 2.0),
        holding("energy", 6, Form::Float, booster::ENERGY, Part::Counter, 0.0, 1e9),
        holding("temperature trip", 20, Form::Float, booster::TRIP, Part::Safety, 110.0, 110.0),
        coil("pump", 0, booster::PUMP, Part::Command),
        coil("acknowledge", 4, booster::ACKED, Part::Status),
        discrete("temperature trip", 1, booster::TRIPPED, Part::Status),
        discrete("pressure alarm", 0, booster::ALARM, Part::Status),
    ],
    start: booster::START,
    spare: 48,
    step: |vars, controlled, env| {
        use booster::*;
        if controlled {
            if vars[MODE] > 1.5 {
                let pi = Pi { gain: 150.0, rate: 30.0, range: (0.0, 1500.0) };
                let error = (vars[SETPOINT] - vars[PRESSURE]) * vars[PUMP];
                let speed = pi.output(&mut vars[INTEGRAL], error, env.seconds);
                vars[SPEED] = env.lag(vars[SPEED], speed * vars[PUMP], 3.0);
            }
            let guard = Guard { command: PUMP, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[TEMPERATURE] > vars[TRIP], vars[MODE] > 1.5, env.seconds);
            vars[ALARM] = f64::from(vars[PRESSURE] > vars[HIGH]);
        }
        if vars[PUMP] < 0.5 {
            vars[SPEED] = env.lag(vars[SPEED], 0.0, 4.0);
        }
        vars[FLOW] = metered(vars[FLOW], 225.0 * env.load * (vars[PRESSURE] / 3.0).min(1.0), 4.0, env);
        let lift = 9.0 * (vars[SPEED] / 1500.0).powi(2) - 1.1 * (vars[FLOW] / 225.0).powi(2) + 0.6;
        vars[PRESSURE] = env.lag(vars[PRESSURE], lift.max(0.4), 2.0);
        vars[CURRENT] = 8.0 + 60.0 * (vars[SPEED] / 1500.0).powi(3) + vars[FLOW] * 0.08;
        vars[TEMPERATURE] = env.lag(vars[TEMPERATURE], 24.0 + vars[CURRENT] * 0.9, 600.0);
        vars[ENERGY] += vars[CURRENT] * 0.69 * env.seconds / 3600.0;
        vars[SHOWN] = env.sense(vars[PRESSURE], 0.008, 0.001).max(0.0);
        env.feed
    },
};

/// A flow on its way to `to`, a little restless as long as something flows.
fn metered(flow: f64, to: f64, constant: f64, env: &mut Env<'_>) -> f64 {
    let restless = env.rng.bell() * 0.1 * f64::from(to > 0.0);
    (env.lag(flow, to, constant) + restless).max(0.0)
}

/// The level of a tank of this `area` (square metres) and height after a net flow in m³/h.
fn flow_into(level: f64, net: f64, area: f64, height: f64, env: &Env<'_>) -> f64 {
    (level + net * env.seconds / 3600.0 / area).clamp(0.0, height)
}
