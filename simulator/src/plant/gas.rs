//! A gas compressor station: a regulating inlet, a safety controller that shuts it, a scrubber that takes
//! the liquid out, a turbo compressor with its anti-surge valve, an aftercooler, and the metering run.
//!
//! What a cell passes on is the share of full flow; less than the load asks for is lack of pressure.

use super::cell::{CellKind, Env, variables};
use super::control::{Guard, Pi, switch};
use super::points::{Form, Part, coil, discrete, holding, input};
use super::{Kind, remote};

/// The compressor station.
pub static PLANT: Kind = Kind {
    name: "gas",
    about: "gas compressor station: inlet, safety, scrubber, compressor, aftercooler, metering",
    octet: 12,
    cells: &[INLET, SAFETY, SCRUBBER, COMPRESSOR, COOLER, METERING, remote::BLOCK],
    load: [
        0.46, 0.43, 0.42, 0.42, 0.46, 0.58, 0.76, 0.90, 0.95, 0.92, 0.86, 0.81, 0.79, 0.77, 0.75, 0.76, 0.80,
        0.87, 0.92, 0.91, 0.83, 0.72, 0.60, 0.51,
    ],
    domain: "gas.plant",
    makes: &[
        ("Tarnholm Automation", "TA-S7", "1.14.3"),
        ("Vesterlund", "Compact 85", "R12"),
        ("Tarnholm Automation", "TA-S9", "2.0.8"),
        ("Ostrava Regeltechnik", "ORT-44", "4.2"),
    ],
    sensors: &[
        ("methane", 1.4, 0.3),
        ("vibration", 24.0, 2.0),
        ("pressure", 63.5, 0.4),
        ("dewpoint", -9.0, 0.5),
        ("temperature", 14.0, 0.8),
    ],
};

/// Bar, amperes and the like: two words, the low one first.
const F: Form = Form::FloatSwapped;
/// Modes, counters.
const W: Form = Form::Word(1.0);

variables!(inlet:
    UPSTREAM = 52.0, PRESSURE = 41.0, FLOW = 95.0, POSITION = 42.0, SETPOINT = 41.0, HIGH = 45.5,
    SLAM = 47.0, BREAK = 25.0, MODE = 2.0, VALVE = 1.0, STEM = 1.0, TRIPPED = 0.0, ACKED = 0.0,
    WAIT = 600.0, ALARM = 0.0, INTEGRAL = 42.0, STROKES = 1840.0, SHOWN = 41.0, TEMPERATURE = 11.0,
);

const INLET: CellKind = CellKind {
    name: "inlet",
    points: &[
        input("upstream pressure", 200, F, inlet::UPSTREAM, 49.0, 55.0),
        input("station pressure", 202, F, inlet::SHOWN, 36.0, 46.2),
        input("flow", 206, F, inlet::FLOW, 25.0, 135.0),
        input("valve position", 210, Form::Word(100.0), inlet::POSITION, 5.0, 100.0),
        input("gas temperature", 211, Form::Signed(100.0), inlet::TEMPERATURE, 6.0, 16.0),
        holding("pressure setpoint", 100, F, inlet::SETPOINT, Part::Setpoint, 38.0, 44.0),
        holding("pressure high alarm", 102, F, inlet::HIGH, Part::Limit, 45.0, 46.0),
        holding("mode", 106, W, inlet::MODE, Part::Mode, 2.0, 2.0),
        holding("valve strokes", 107, W, inlet::STROKES, Part::Counter, 0.0, 65535.0),
        holding("slam shut pressure", 120, F, inlet::SLAM, Part::Safety, 47.0, 47.0),
        holding("line break pressure", 122, F, inlet::BREAK, Part::Safety, 25.0, 25.0),
        coil("station valve", 16, inlet::VALVE, Part::Command),
        coil("acknowledge", 24, inlet::ACKED, Part::Status),
        discrete("slam shut", 32, inlet::TRIPPED, Part::Status),
        discrete("pressure alarm", 33, inlet::ALARM, Part::Status),
    ],
    start: inlet::START,
    spare: 96,
    step: |vars, controlled, env| {
        use inlet::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic && vars[VALVE] > 0.5 {
                let pi = Pi { gain: 1.5, rate: 0.02, range: (0.0, 100.0) };
                let error = vars[SETPOINT] - vars[PRESSURE];
                vars[POSITION] = pi.output(&mut vars[INTEGRAL], error, env.seconds);
            }
            let was = vars[VALVE];
            let guard = Guard { command: VALVE, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            let cause = vars[PRESSURE] > vars[SLAM] || vars[UPSTREAM] < vars[BREAK];
            guard.watch(vars, cause, automatic, env.seconds);
            vars[STROKES] += (vars[VALVE] - was).abs();
            vars[ALARM] = f64::from(vars[PRESSURE] > vars[HIGH]);
        }
        vars[UPSTREAM] = 52.0 + env.wander(vars[UPSTREAM] - 52.0, 1800.0, 0.5).clamp(-2.0, 2.0);
        vars[STEM] = env.lag(vars[STEM], vars[VALVE], 3.0);
        let through = 0.7 * vars[POSITION] * vars[STEM] * head(vars[UPSTREAM], vars[PRESSURE]);
        vars[FLOW] = env.lag(vars[FLOW], through, 2.0);
        let taken = FULL * env.load * ((vars[PRESSURE] - 20.0) / 12.0).clamp(0.0, 1.0);
        vars[PRESSURE] = packed(vars[PRESSURE], vars[FLOW] - taken, env);
        vars[TEMPERATURE] = 11.0 + env.wander(vars[TEMPERATURE] - 11.0, 7200.0, 1.0).clamp(-4.0, 4.0);
        vars[SHOWN] = env.sense(vars[PRESSURE], 0.02, 0.005).max(0.0);
        taken / FULL
    },
};

variables!(safety:
    PRESSURE = 41.0, GAS1 = 1.5, GAS2 = 1.2, AIR = 6.8, COMPRESSOR = 0.0, SETPOINT = 6.8,
    PRESSURE_TRIP = 49.0, GAS_TRIP = 40.0, AIR_TRIP = 4.0, GAS_ALARM = 20.0, MODE = 2.0, VALVE = 1.0,
    STEM = 1.0, SHUTDOWN = 0.0, TRIPPED = 0.0, RESET = 0.0, WAIT = 600.0, ALARM = 0.0, TRIPS = 7.0,
    BEAT = 0.0, RELIEF = 0.0,
);

const SAFETY: CellKind = CellKind {
    name: "safety",
    points: &[
        input("station pressure", 200, F, safety::PRESSURE, 37.0, 45.0),
        input("gas detector 1", 204, Form::Word(100.0), safety::GAS1, 0.0, 6.0),
        input("gas detector 2", 205, Form::Word(100.0), safety::GAS2, 0.0, 6.0),
        input("instrument air", 212, F, safety::AIR, 5.4, 8.1),
        holding("instrument air setpoint", 100, F, safety::SETPOINT, Part::Setpoint, 6.0, 7.5),
        holding("gas alarm", 102, F, safety::GAS_ALARM, Part::Limit, 15.0, 25.0),
        holding("mode", 105, W, safety::MODE, Part::Mode, 2.0, 2.0),
        holding("heartbeat", 106, W, safety::BEAT, Part::Counter, 0.0, 65535.0),
        holding("trips", 107, W, safety::TRIPS, Part::Counter, 0.0, 65535.0),
        holding("high pressure trip", 140, F, safety::PRESSURE_TRIP, Part::Safety, 49.0, 49.0),
        holding("gas trip", 142, F, safety::GAS_TRIP, Part::Safety, 40.0, 40.0),
        holding("instrument air trip", 144, F, safety::AIR_TRIP, Part::Safety, 4.0, 4.0),
        coil("emergency shutdown", 16, safety::SHUTDOWN, Part::Command),
        coil("reset", 17, safety::RESET, Part::Command),
        coil("shutdown valve", 20, safety::VALVE, Part::Command),
        discrete("tripped", 32, safety::TRIPPED, Part::Status),
        discrete("gas alarm", 33, safety::ALARM, Part::Status),
        discrete("relief valve", 40, safety::RELIEF, Part::Status),
    ],
    start: safety::START,
    spare: 100,
    step: |vars, controlled, env| {
        use safety::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic {
                vars[COMPRESSOR] = switch(vars[COMPRESSOR], vars[SETPOINT] - vars[AIR], 0.25);
            }
            // The button is a push-button: what it started stays until the reset.
            let cause = std::mem::take(&mut vars[SHUTDOWN]) > 0.5
                || vars[PRESSURE] > vars[PRESSURE_TRIP]
                || vars[GAS1].min(vars[GAS2]) > vars[GAS_TRIP]
                || vars[AIR] < vars[AIR_TRIP];
            vars[TRIPS] += f64::from(cause && vars[TRIPPED] < 0.5);
            let guard = Guard { command: VALVE, tripped: TRIPPED, acked: RESET, wait: WAIT };
            guard.watch(vars, cause, automatic, env.seconds);
            vars[ALARM] = f64::from(vars[GAS1].max(vars[GAS2]) > vars[GAS_ALARM]);
            vars[BEAT] = if env.every(5) { (vars[BEAT] + 1.0) % 65536.0 } else { vars[BEAT] };
        }
        vars[RELIEF] = switch(vars[RELIEF], vars[AIR] - 9.0, 0.2);
        let air = 0.02 * vars[COMPRESSOR] - 0.0006 * vars[AIR] - 0.04 * vars[RELIEF];
        vars[AIR] = (vars[AIR] + air * env.seconds).max(0.0);
        // Without air the spring shuts the valve, whatever the program says.
        let open = vars[VALVE] * f64::from(vars[AIR] > 3.0);
        vars[STEM] = env.lag(vars[STEM], open, 2.0);
        vars[PRESSURE] = env.lag(vars[PRESSURE], 20.0 + 21.0 * supply(env), 20.0) + env.rng.bell() * 0.015;
        for gas in [GAS1, GAS2] {
            vars[gas] = (1.5 + env.wander(vars[gas] - 1.5, 1200.0, 0.4)).max(0.1);
        }
        env.feed * vars[STEM]
    },
};

variables!(scrubber:
    LEVEL = 42.0, LOSS = 55.0, PRESSURE = 40.5, FLOW = 95.0, DRAIN = 0.0, SETPOINT = 42.0, HIGH = 70.0,
    TRIP = 85.0, ALARM = 0.0, MODE = 2.0, DRAINS = 311.0, INLET = 1.0, TRIPPED = 0.0, ACKED = 0.0,
    WAIT = 600.0, FOULING = 0.0, SHOWN = 42.0,
);

const SCRUBBER: CellKind = CellKind {
    name: "scrubber",
    points: &[
        input("level", 200, F, scrubber::SHOWN, 18.0, 68.0),
        input("differential pressure", 203, F, scrubber::LOSS, 15.0, 150.0),
        input("suction pressure", 206, F, scrubber::PRESSURE, 36.0, 44.0),
        input("flow", 208, F, scrubber::FLOW, 40.0, 128.0),
        holding("level setpoint", 100, F, scrubber::SETPOINT, Part::Setpoint, 30.0, 55.0),
        holding("level high alarm", 102, F, scrubber::HIGH, Part::Limit, 66.0, 75.0),
        holding("mode", 104, W, scrubber::MODE, Part::Mode, 2.0, 2.0),
        holding("drain cycles", 110, W, scrubber::DRAINS, Part::Counter, 0.0, 65535.0),
        holding("level trip", 124, F, scrubber::TRIP, Part::Safety, 85.0, 85.0),
        coil("drain valve", 16, scrubber::DRAIN, Part::Command),
        coil("inlet valve", 17, scrubber::INLET, Part::Command),
        coil("acknowledge", 24, scrubber::ACKED, Part::Status),
        discrete("level alarm", 32, scrubber::ALARM, Part::Status),
        discrete("level trip", 34, scrubber::TRIPPED, Part::Status),
    ],
    start: scrubber::START,
    spare: 64,
    step: |vars, controlled, env| {
        use scrubber::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            let was = vars[DRAIN];
            if automatic {
                vars[DRAIN] = switch(was, vars[LEVEL] - vars[SETPOINT], 6.0);
            }
            let guard = Guard { command: INLET, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[LEVEL] > vars[TRIP], automatic, env.seconds);
            vars[DRAIN] = vars[DRAIN].max(vars[TRIPPED]);
            vars[DRAINS] += f64::from(vars[DRAIN] > was);
            vars[ALARM] = f64::from(vars[LEVEL] > vars[HIGH]);
        }
        vars[FLOW] = env.lag(vars[FLOW], FULL * env.feed * vars[INLET], 4.0) + env.rng.bell() * 0.1;
        let share = vars[FLOW] / FULL;
        let liquid = 0.035 * share - 0.18 * vars[DRAIN] * (vars[LEVEL] / 10.0).min(1.0);
        vars[LEVEL] = (vars[LEVEL] + liquid * env.seconds).clamp(0.0, 100.0);
        vars[FOULING] = env.wander(vars[FOULING], 20_000.0, 0.06).clamp(-0.2, 0.3);
        let loss = 10.0 + 80.0 * share * share * (1.0 + vars[FOULING]);
        vars[LOSS] = env.sense(loss, 0.3, 0.05).max(0.0);
        let pressure = 20.0 + 21.0 * supply(env) - vars[LOSS] / 100.0;
        vars[PRESSURE] = env.lag(vars[PRESSURE], pressure, 10.0) + env.rng.bell() * 0.01;
        vars[SHOWN] = env.sense(vars[LEVEL], 0.15, 0.01).max(0.0);
        env.feed * vars[INLET]
    },
};

variables!(compressor:
    SUCTION = 40.3, DISCHARGE = 66.0, SPEED = 8640.0, FLOW = 0.79, RECYCLE = 0.0, SETPOINT = 66.0,
    INTEGRAL = 8640.0, VIBRATION = 25.0, OIL = 46.0, COOLING = 55.0, COOLING_INTEGRAL = 55.0,
    OIL_SETPOINT = 46.0, BEARING = 68.0, RUN = 1.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0, MODE = 2.0,
    VIBRATION_ALARM = 45.0, VIBRATION_TRIP = 62.0, DISCHARGE_TRIP = 80.0, OVERSPEED = 11_000.0,
    BEARING_TRIP = 104.0, SUCTION_TRIP = 31.0, ALARM = 0.0, HOURS = 6120.0, STARTS = 212.0, MARGIN = 60.0,
    SHOWN_SUCTION = 40.3, SHOWN = 66.0, SHOWN_SPEED = 8640.0, SHOWN_FLOW = 95.0, BLOWOFF = 0.0, SURGE = 0.0,
);

const COMPRESSOR: CellKind = CellKind {
    name: "compressor",
    points: &[
        input("suction pressure", 200, F, compressor::SHOWN_SUCTION, 37.0, 43.5),
        input("discharge pressure", 202, F, compressor::SHOWN, 59.0, 73.0),
        input("speed", 204, F, compressor::SHOWN_SPEED, 6400.0, 10_400.0),
        input("flow", 208, F, compressor::SHOWN_FLOW, 38.0, 140.0),
        input("surge margin", 212, Form::Signed(100.0), compressor::MARGIN, -12.0, 130.0),
        input("anti-surge valve", 213, Form::Word(100.0), compressor::RECYCLE, 0.0, 60.0),
        input("bearing vibration", 216, Form::Word(100.0), compressor::VIBRATION, 15.0, 44.0),
        input("bearing temperature", 217, Form::Word(100.0), compressor::BEARING, 50.0, 86.0),
        input("lube oil temperature", 218, Form::Word(100.0), compressor::OIL, 38.0, 54.0),
        holding("discharge pressure setpoint", 100, F, compressor::SETPOINT, Part::Setpoint, 62.0, 70.0),
        holding("lube oil setpoint", 102, F, compressor::OIL_SETPOINT, Part::Setpoint, 42.0, 50.0),
        holding("vibration alarm", 106, F, compressor::VIBRATION_ALARM, Part::Limit, 42.0, 50.0),
        holding("mode", 108, W, compressor::MODE, Part::Mode, 2.0, 2.0),
        holding("run hours", 114, F, compressor::HOURS, Part::Counter, 0.0, 1e6),
        holding("starts", 116, W, compressor::STARTS, Part::Counter, 0.0, 65535.0),
        holding("vibration trip", 130, F, compressor::VIBRATION_TRIP, Part::Safety, 62.0, 62.0),
        holding("discharge pressure trip", 132, F, compressor::DISCHARGE_TRIP, Part::Safety, 80.0, 80.0),
        holding("overspeed trip", 134, F, compressor::OVERSPEED, Part::Safety, 11_000.0, 11_000.0),
        holding("bearing temperature trip", 136, F, compressor::BEARING_TRIP, Part::Safety, 104.0, 104.0),
        holding("suction pressure trip", 138, F, compressor::SUCTION_TRIP, Part::Safety, 31.0, 31.0),
        coil("run", 16, compressor::RUN, Part::Command),
        coil("anti-surge valve open", 18, compressor::BLOWOFF, Part::Command),
        coil("acknowledge", 24, compressor::ACKED, Part::Status),
        discrete("tripped", 32, compressor::TRIPPED, Part::Status),
        discrete("vibration alarm", 33, compressor::ALARM, Part::Status),
        discrete("surge", 36, compressor::SURGE, Part::Status),
    ],
    start: compressor::START,
    spare: 120,
    step: |vars, controlled, env| {
        use compressor::*;
        if controlled {
            compressor_control(vars, env);
        }
        let n = vars[SPEED] / 9000.0;
        // The characteristic: the head falls with the square of the flow; a check valve lets gas pass a
        // machine that stands.
        let ratio = vars[DISCHARGE] / vars[SUCTION].max(5.0);
        let lifted = n * ((1.0 + n * n - ratio).max(0.0) / 0.45).sqrt();
        let passed = 0.1 * (vars[SUCTION] - vars[DISCHARGE]).max(0.0);
        vars[FLOW] = env.lag(vars[FLOW], lifted + passed, 2.0);
        let open = (vars[RECYCLE] / 100.0).max(vars[BLOWOFF]);
        let recycled = 0.1 * open * head(vars[DISCHARGE], vars[SUCTION]);
        let taken = env.load * ((vars[DISCHARGE] - 20.0) / 46.0).clamp(0.0, 1.6);
        let source = 0.3 * supply(env) * (43.0 - vars[SUCTION]).max(0.0);
        let stored = 0.6 * env.seconds;
        vars[SUCTION] = (vars[SUCTION] + stored * (source + recycled - vars[FLOW])).clamp(1.0, 80.0);
        vars[DISCHARGE] = (vars[DISCHARGE] + stored * (vars[FLOW] - recycled - taken)).clamp(1.0, 120.0);
        vars[MARGIN] = ((vars[FLOW] / n.max(0.2) / 0.48 - 1.0) * 100.0).clamp(-100.0, 150.0);
        vars[SURGE] = f64::from(n > 0.5 && vars[MARGIN] < -15.0);
        // A critical speed lies above what the station needs.
        let resonance = 42.0 * (-((n - 1.17) / 0.025).powi(2)).exp();
        let shaking = 14.0 + 9.0 * n * n + resonance + 30.0 * vars[SURGE] - 12.0 * (1.0 - n).max(0.0);
        vars[VIBRATION] = env.lag(vars[VIBRATION], shaking, 3.0) + env.rng.bell() * 0.08;
        let oil = 38.0 + 30.0 * n * n - 0.35 * vars[COOLING];
        vars[OIL] = env.lag(vars[OIL], oil, 120.0) + env.rng.bell() * 0.005;
        vars[BEARING] = env.lag(vars[BEARING], vars[OIL] + 24.0 * n * n, 150.0);
        vars[HOURS] += f64::from(vars[RUN] > 0.5) * env.seconds / 3600.0;
        vars[SHOWN_SUCTION] = env.sense(vars[SUCTION], 0.02, 0.005);
        vars[SHOWN] = env.sense(vars[DISCHARGE], 0.03, 0.005);
        vars[SHOWN_SPEED] = env.sense(vars[SPEED], 3.0, 1.0).max(0.0);
        vars[SHOWN_FLOW] = env.sense(vars[FLOW] * FULL, 0.3, 0.05).max(0.0);
        taken
    },
};

/// The program of the compressor: pressure by speed, surge by recycling, oil by cooling, and the trips.
fn compressor_control(vars: &mut [f64], env: &Env<'_>) {
    use compressor::*;
    let automatic = vars[MODE] > 1.5;
    let stood = vars[RUN] < 0.5;
    let guard = Guard { command: RUN, tripped: TRIPPED, acked: ACKED, wait: WAIT };
    // At rest only what may not be when it starts keeps it from starting.
    let cause = vars[DISCHARGE] > vars[DISCHARGE_TRIP]
        || vars[BEARING] > vars[BEARING_TRIP]
        || vars[SUCTION] < vars[SUCTION_TRIP]
        || vars[SPEED] > vars[OVERSPEED]
        || vars[VIBRATION] > vars[VIBRATION_TRIP];
    guard.watch(vars, cause, automatic, env.seconds);
    if vars[RUN] < 0.5 {
        vars[SPEED] = env.lag(vars[SPEED], 0.0, 12.0);
        (vars[INTEGRAL], vars[RECYCLE]) = (IDLE, 100.0);
    } else {
        vars[STARTS] += f64::from(stood);
        if automatic {
            let pi = Pi { gain: 90.0, rate: 0.6, range: (IDLE, 10_800.0) };
            let error = (vars[SETPOINT] - vars[DISCHARGE]).clamp(-20.0, 20.0);
            let speed = pi.output(&mut vars[INTEGRAL], error, env.seconds);
            vars[SPEED] = env.lag(vars[SPEED], speed, 8.0);
            let recycle = ((12.0 - vars[MARGIN]) * 4.0).clamp(0.0, 100.0);
            vars[RECYCLE] = env.lag(vars[RECYCLE], recycle, 4.0);
        }
    }
    if automatic {
        let pi = Pi { gain: 4.0, rate: 0.03, range: (0.0, 100.0) };
        let error = vars[OIL] - vars[OIL_SETPOINT];
        vars[COOLING] = pi.output(&mut vars[COOLING_INTEGRAL], error, env.seconds);
    }
    vars[ALARM] = f64::from(vars[VIBRATION] > vars[VIBRATION_ALARM]);
}

variables!(cooler:
    INLET = 93.0, OUTLET = 39.0, AMBIENT = 13.0, SETPOINT = 39.0, DEMAND = 40.0, INTEGRAL = 40.0,
    FAN1 = 1.0, FAN2 = 0.0, MODE = 2.0, HIGH = 54.0, TRIP = 70.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0,
    ALARM = 0.0, HOURS = 3301.0, SHOWN = 39.0, PASS = 1.0, CURRENT = 20.0,
);

const COOLER: CellKind = CellKind {
    name: "cooler",
    points: &[
        input("inlet temperature", 200, F, cooler::INLET, 70.0, 110.0),
        input("outlet temperature", 202, F, cooler::SHOWN, 29.0, 49.5),
        input("ambient temperature", 205, F, cooler::AMBIENT, 3.0, 23.0),
        input("fan demand", 210, Form::Word(100.0), cooler::DEMAND, 0.0, 100.0),
        input("fan current", 211, Form::Word(100.0), cooler::CURRENT, 0.0, 70.0),
        holding("outlet temperature setpoint", 100, F, cooler::SETPOINT, Part::Setpoint, 34.0, 44.0),
        holding("outlet temperature alarm", 102, F, cooler::HIGH, Part::Limit, 52.0, 58.0),
        holding("mode", 104, W, cooler::MODE, Part::Mode, 2.0, 2.0),
        holding("fan hours", 105, W, cooler::HOURS, Part::Counter, 0.0, 65535.0),
        holding("outlet temperature trip", 118, F, cooler::TRIP, Part::Safety, 70.0, 70.0),
        coil("fan 1", 16, cooler::FAN1, Part::Command),
        coil("fan 2", 17, cooler::FAN2, Part::Command),
        coil("outlet valve", 19, cooler::PASS, Part::Command),
        coil("acknowledge", 24, cooler::ACKED, Part::Status),
        discrete("temperature alarm", 32, cooler::ALARM, Part::Status),
        discrete("temperature trip", 33, cooler::TRIPPED, Part::Status),
    ],
    start: cooler::START,
    spare: 80,
    step: |vars, controlled, env| {
        use cooler::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic {
                let pi = Pi { gain: 2.5, rate: 0.025, range: (0.0, 100.0) };
                let error = vars[OUTLET] - vars[SETPOINT];
                vars[DEMAND] = pi.output(&mut vars[INTEGRAL], error, env.seconds);
                vars[FAN1] = switch(vars[FAN1], vars[DEMAND] - 3.0, 2.0);
                vars[FAN2] = switch(vars[FAN2], vars[DEMAND] - 48.0, 3.0);
            }
            let guard = Guard { command: PASS, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[OUTLET] > vars[TRIP], automatic, env.seconds);
            vars[ALARM] = f64::from(vars[OUTLET] > vars[HIGH]);
        }
        // The first fan turns up to the middle of the demand, then the second.
        let fans =
            (vars[DEMAND] / 50.0).min(1.0) * vars[FAN1] + (vars[DEMAND] / 50.0 - 1.0).max(0.0) * vars[FAN2];
        let share = (env.feed * vars[PASS]).max(0.1);
        let left = (-(0.3 + 0.85 * fans) / share).exp();
        let ambient = 11.0 + 4.0 * env.load;
        vars[AMBIENT] = ambient + env.wander(vars[AMBIENT] - ambient, 9000.0, 1.2).clamp(-5.0, 5.0);
        vars[INLET] = env.lag(vars[INLET], 70.0 + 30.0 * share, 60.0) + env.rng.bell() * 0.02;
        let outlet = vars[AMBIENT] + (vars[INLET] - vars[AMBIENT]) * left;
        vars[OUTLET] = env.lag(vars[OUTLET], outlet, 45.0);
        vars[CURRENT] = env.sense(30.0 * fans * fans.sqrt() / 1.1, 0.1, 0.05).max(0.0);
        vars[HOURS] += (vars[FAN1] + vars[FAN2]) * env.seconds / 3600.0;
        vars[SHOWN] = env.sense(vars[OUTLET], 0.05, 0.01);
        env.feed * vars[PASS]
    },
};

variables!(metering:
    INLET = 66.0, PRESSURE = 53.0, FLOW = 95.0, TEMPERATURE = 36.0, POSITION = 44.0, INTEGRAL = 44.0,
    SETPOINT = 53.0, RUN_SETPOINT = 80.0, RUN2 = 1.0, MODE = 2.0, HIGH = 122.0, TRIP = 60.0, VALVE = 1.0,
    STEM = 1.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0, ALARM = 0.0, ENERGY = 41_233.0, VOLUME = 3700.0,
    HEATING = 11.2, LOSS = 90.0, SHOWN = 53.0, SHOWN_FLOW = 95.0, SHOWN_INLET = 66.0,
);

const METERING: CellKind = CellKind {
    name: "metering",
    points: &[
        input("inlet pressure", 200, F, metering::SHOWN_INLET, 58.0, 74.0),
        input("delivery pressure", 202, F, metering::SHOWN, 48.0, 58.5),
        input("flow", 204, F, metering::SHOWN_FLOW, 35.0, 135.0),
        input("gas temperature", 208, F, metering::TEMPERATURE, 30.0, 42.0),
        input("heating value", 210, F, metering::HEATING, 10.8, 11.6),
        input("run differential pressure", 218, F, metering::LOSS, 18.0, 215.0),
        input("valve position", 224, Form::Word(100.0), metering::POSITION, 5.0, 100.0),
        holding("delivery pressure setpoint", 100, F, metering::SETPOINT, Part::Setpoint, 50.0, 56.0),
        holding("second run at flow", 102, F, metering::RUN_SETPOINT, Part::Setpoint, 70.0, 90.0),
        holding("flow high alarm", 104, F, metering::HIGH, Part::Limit, 118.0, 126.0),
        holding("mode", 107, W, metering::MODE, Part::Mode, 2.0, 2.0),
        holding("energy", 112, F, metering::ENERGY, Part::Counter, 0.0, 1e9),
        holding("volume", 114, F, metering::VOLUME, Part::Counter, 0.0, 1e9),
        holding("shut off pressure", 126, F, metering::TRIP, Part::Safety, 60.0, 60.0),
        coil("delivery valve", 16, metering::VALVE, Part::Command),
        coil("run 2 valve", 17, metering::RUN2, Part::Command),
        coil("acknowledge", 24, metering::ACKED, Part::Status),
        discrete("flow alarm", 32, metering::ALARM, Part::Status),
        discrete("shut off", 35, metering::TRIPPED, Part::Status),
    ],
    start: metering::START,
    spare: 72,
    step: |vars, controlled, env| {
        use metering::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic && vars[VALVE] > 0.5 {
                let pi = Pi { gain: 1.5, rate: 0.02, range: (0.0, 100.0) };
                let error = vars[SETPOINT] - vars[PRESSURE];
                vars[POSITION] = pi.output(&mut vars[INTEGRAL], error, env.seconds);
                vars[RUN2] = switch(vars[RUN2], vars[FLOW] - vars[RUN_SETPOINT], 5.0);
            }
            let guard = Guard { command: VALVE, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[PRESSURE] > vars[TRIP], automatic, env.seconds);
            vars[ALARM] = f64::from(vars[FLOW] > vars[HIGH]);
        }
        vars[INLET] = env.lag(vars[INLET], 20.0 + 46.0 * supply(env), 5.0);
        vars[STEM] = env.lag(vars[STEM], vars[VALVE], 3.0);
        let through = 0.7 * vars[POSITION] * vars[STEM] * head(vars[INLET], vars[PRESSURE]);
        vars[FLOW] = env.lag(vars[FLOW], through, 2.0);
        let taken = FULL * env.load * ((vars[PRESSURE] - 30.0) / 12.0).clamp(0.0, 1.0);
        vars[PRESSURE] = packed(vars[PRESSURE], vars[FLOW] - taken, env);
        let run = vars[FLOW] / (1.0 + vars[RUN2]);
        vars[LOSS] = env.sense(run * run / 45.0, 0.3, 0.05).max(0.0);
        vars[TEMPERATURE] = 36.0 + env.wander(vars[TEMPERATURE] - 36.0, 3600.0, 1.0).clamp(-5.0, 5.0);
        vars[HEATING] = 11.2 + env.wander(vars[HEATING] - 11.2, 9000.0, 0.06).clamp(-0.3, 0.3);
        vars[VOLUME] += vars[FLOW] * env.seconds / 3600.0;
        vars[ENERGY] += vars[FLOW] * vars[HEATING] * env.seconds / 3600.0;
        vars[SHOWN] = env.sense(vars[PRESSURE], 0.02, 0.005).max(0.0);
        vars[SHOWN_FLOW] = env.sense(vars[FLOW], 0.25, 0.05).max(0.0);
        vars[SHOWN_INLET] = env.sense(vars[INLET], 0.02, 0.005);
        vars[FLOW] / FULL
    },
};

/// What drives gas through an opening from one pressure to another; nothing flows back.
fn head(from: f64, to: f64) -> f64 {
    (from - to).max(0.0).sqrt()
}

/// The pressure of a length of pipe after a net flow into it.
fn packed(pressure: f64, net: f64, env: &Env<'_>) -> f64 {
    (pressure + net * env.seconds / 400.0).clamp(1.0, 100.0)
}

/// How much of what is asked for the cell before delivers; where nothing is asked for, nothing lacks.
fn supply(env: &Env<'_>) -> f64 {
    if env.load < 0.02 { 1.0 } else { (env.feed / env.load).clamp(0.0, 1.6) }
}

/// Full flow: thousand standard cubic metres an hour.
const FULL: f64 = 120.0;
/// The least speed at which the compressor runs.
const IDLE: f64 = 6000.0;
