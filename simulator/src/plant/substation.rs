//! A substation of a distribution grid: feeder bays with protection, transformers with tap changers, the
//! busbar with its compensator, a capacitor bank, and the station's own battery.
//!
//! What a cell passes on is the voltage of the busbar, as a share of the nominal one.

use super::cell::{CellKind, Env, variables};
use super::control::{Guard, Pi, SHIFT, alarm, switch};
use super::points::{Form, Part, coil, discrete, holding, input};
use super::{Kind, remote};

/// The substation.
pub static PLANT: Kind = Kind {
    name: "substation",
    about: "distribution substation: feeders, transformers, busbar, capacitor bank, battery",
    octet: 13,
    cells: &[FEEDER, TRANSFORMER, BUSBAR, CAPACITOR, AUXILIARY, remote::BLOCK],
    load: [
        0.55, 0.50, 0.47, 0.46, 0.48, 0.55, 0.68, 0.82, 0.90, 0.93, 0.91, 0.88, 0.86, 0.82, 0.78, 0.76, 0.79,
        0.87, 0.95, 0.98, 0.94, 0.85, 0.73, 0.62,
    ],
    domain: "grid.plant",
    makes: &[
        ("Lysgaard Relays", "LR-615", "3.2.0"),
        ("Norrstrand Power", "NSP-7 Bay", "V4.07"),
        ("Lysgaard Relays", "LR-630", "3.4.1"),
        ("Kestrel Grid", "KG-RTU 20", "1.9b"),
    ],
    sensors: &[
        ("sf6", 6.2, 0.02),
        ("humidity", 48.0, 2.0),
        ("temperature", 21.0, 0.6),
        ("partial-discharge", 12.0, 2.5),
        ("oil-level", 71.0, 0.3),
    ],
};

/// Modes, counters, stages.
const W: Form = Form::Word(1.0);
/// Two digits after the point, above zero only.
const CENTI: Form = Form::Word(100.0);
/// Two digits after the point, below zero too: power that may flow either way.
const SIGNED: Form = Form::Signed(100.0);
/// Kilovolts to the volt.
const VOLTS: Form = Form::Word(1000.0);

variables!(feeder:
    CURRENT = 190.0, ACTIVE = 6.4, REACTIVE = 1.9, INFEED = 1.4, SETPOINT = 1.4, BREAKER = 1.0,
    CLOSED = 1.0, PICKUP = 420.0, DELAY = 0.8, LOAD_ALARM = 360.0, MODE = 2.0, TRIPS = 23.0,
    RECLOSED = 108.0, SHOT = 0.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0, OVER = 0.0, DEAD = 0.0,
    ALARM = 0.0, DRIFT = 0.0, SINCE = 0.0, SHOWN = 190.0, EARTH = 2.0, EARTH_PICKUP = 40.0, BEAT = 0.0,
);

const FEEDER: CellKind = CellKind {
    name: "feeder",
    points: &[
        input("current", 0, Form::Word(10.0), feeder::SHOWN, 12.0, 345.0),
        input("active power", 1, SIGNED, feeder::ACTIVE, 0.2, 11.8),
        input("reactive power", 2, SIGNED, feeder::REACTIVE, -0.6, 3.9),
        input("generation", 6, SIGNED, feeder::INFEED, 0.4, 2.7),
        input("earth current", 8, Form::Word(10.0), feeder::EARTH, 0.0, 8.0),
        holding("generation setpoint", 400, SIGNED, feeder::SETPOINT, Part::Setpoint, 0.6, 2.4),
        holding("current alarm", 402, Form::Word(10.0), feeder::LOAD_ALARM, Part::Limit, 350.0, 380.0),
        holding("auto-reclose mode", 404, W, feeder::MODE, Part::Mode, 2.0, 2.0),
        holding("overcurrent pickup", 410, Form::Word(10.0), feeder::PICKUP, Part::Safety, 420.0, 420.0),
        holding("overcurrent delay", 411, CENTI, feeder::DELAY, Part::Safety, 0.8, 0.8),
        holding("earth fault pickup", 412, Form::Word(10.0), feeder::EARTH_PICKUP, Part::Safety, 40.0, 40.0),
        holding("trips", 420, W, feeder::TRIPS, Part::Counter, 0.0, 65535.0),
        holding("reclosings", 421, W, feeder::RECLOSED, Part::Counter, 0.0, 65535.0),
        holding("heartbeat", 430, W, feeder::BEAT, Part::Counter, 0.0, 65535.0),
        coil("breaker", 0, feeder::BREAKER, Part::Command),
        coil("acknowledge", 8, feeder::ACKED, Part::Status),
        discrete("breaker closed", 0, feeder::CLOSED, Part::Status),
        discrete("locked out", 1, feeder::TRIPPED, Part::Status),
        discrete("current alarm", 4, feeder::ALARM, Part::Status),
    ],
    start: feeder::START,
    spare: 16,
    step: |vars, controlled, env| {
        use feeder::*;
        if controlled {
            feeder_control(vars, env);
        }
        vars[CLOSED] = vars[BREAKER];
        vars[INFEED] = env.lag(vars[INFEED], vars[SETPOINT].clamp(0.0, 12.0), 15.0) + env.rng.bell() * 0.002;
        vars[DRIFT] = env.wander(vars[DRIFT], 1500.0, 0.03).clamp(-0.1, 0.1);
        // No two feeders supply the same streets.
        let streets = 0.85 + 0.05 * (env.index % 7) as f64;
        let asked = 8.5 * env.load * streets * (1.0 + vars[DRIFT]) * env.feed * env.feed;
        vars[ACTIVE] = (asked - vars[INFEED]) * vars[CLOSED] + env.rng.bell() * 0.02 * vars[CLOSED];
        vars[REACTIVE] = (asked * 0.33 - 0.25 * vars[INFEED]) * vars[CLOSED];
        let apparent = vars[ACTIVE].hypot(vars[REACTIVE]);
        vars[CURRENT] = apparent / (1.732 * 20.0 * env.feed.max(0.2)) * 1000.0;
        vars[EARTH] = (2.0 + env.wander(vars[EARTH] - 2.0, 60.0, 0.5)).max(0.2);
        vars[SHOWN] = env.sense(vars[CURRENT], 0.6, 0.1).max(0.0);
        env.feed
    },
};

/// A feeder's protection: it trips on current, recloses twice, then stays open until somebody looks.
fn feeder_control(vars: &mut [f64], env: &Env<'_>) {
    use feeder::*;
    let automatic = vars[MODE] > 1.5;
    let over = vars[CURRENT] > vars[PICKUP] || vars[EARTH] > vars[EARTH_PICKUP];
    vars[OVER] = if over { vars[OVER] + env.seconds } else { 0.0 };
    let mut locked = false;
    if vars[OVER] > vars[DELAY] && vars[BREAKER] > 0.5 {
        (vars[BREAKER], vars[OVER], vars[SINCE], vars[DEAD]) = (0.0, 0.0, 0.0, 5.0);
        vars[TRIPS] += 1.0;
        vars[SHOT] += 1.0;
        locked = vars[SHOT] > 2.0 || !automatic;
    }
    if vars[DEAD] > 0.0 && vars[TRIPPED] < 0.5 && !locked {
        vars[DEAD] -= env.seconds;
        if vars[DEAD] <= 0.0 {
            vars[BREAKER] = 1.0;
            vars[RECLOSED] += 1.0;
        }
    }
    vars[SINCE] += env.seconds;
    if vars[SINCE] > 60.0 || vars[TRIPPED] > 0.5 {
        vars[SHOT] = 0.0;
    }
    if locked {
        vars[DEAD] = 0.0;
    }
    let guard = Guard { command: BREAKER, tripped: TRIPPED, acked: ACKED, wait: WAIT };
    guard.watch(vars, locked, automatic, env.seconds);
    vars[ALARM] = f64::from(vars[CURRENT] > vars[LOAD_ALARM]);
    vars[BEAT] = if env.every(5) { (vars[BEAT] + 1.0) % 65536.0 } else { vars[BEAT] };
}

variables!(transformer:
    HIGH_SIDE = 110.0, VOLTAGE = 20.4, TAP = 13.0, SETPOINT = 20.4, BAND = 0.2, DUE = 0.0, DIRECTION = 0.0,
    LOAD = 27.0, OIL = 54.0, WINDING = 68.0, AMBIENT = 18.0, FAN_SETPOINT = 66.0, FAN1 = 1.0, FAN2 = 0.0,
    MODE = 2.0, HIGH = 96.0, WINDING_TRIP = 125.0, VOLTAGE_TRIP = 22.0, BREAKER = 1.0, TRIPPED = 0.0,
    ACKED = 0.0, WAIT = 600.0, ALARM = 0.0, TAPS = 18_211.0, SHOWN = 20.4, REACTIVE = 8.0,
);

const TRANSFORMER: CellKind = CellKind {
    name: "transformer",
    points: &[
        input("high voltage", 0, CENTI, transformer::HIGH_SIDE, 104.0, 116.0),
        input("bus voltage", 1, VOLTS, transformer::SHOWN, 19.6, 21.2),
        input("tap position", 4, W, transformer::TAP, 5.0, 21.0),
        input("load", 5, SIGNED, transformer::LOAD, 12.0, 38.0),
        input("reactive power", 6, SIGNED, transformer::REACTIVE, -4.0, 16.0),
        input("oil temperature", 10, Form::Signed(10.0), transformer::OIL, 20.0, 70.0),
        input("winding temperature", 11, Form::Signed(10.0), transformer::WINDING, 25.0, 89.0),
        holding("voltage setpoint", 400, VOLTS, transformer::SETPOINT, Part::Setpoint, 20.0, 20.8),
        holding("voltage band", 401, VOLTS, transformer::BAND, Part::Limit, 0.18, 0.26),
        holding("mode", 402, W, transformer::MODE, Part::Mode, 2.0, 2.0),
        holding(
            "fan start temperature",
            408,
            Form::Word(10.0),
            transformer::FAN_SETPOINT,
            Part::Setpoint,
            58.0,
            72.0,
        ),
        holding("winding alarm", 409, Form::Word(10.0), transformer::HIGH, Part::Limit, 92.0, 100.0),
        holding("winding trip", 416, Form::Word(10.0), transformer::WINDING_TRIP, Part::Safety, 125.0, 125.0),
        holding("overvoltage trip", 417, VOLTS, transformer::VOLTAGE_TRIP, Part::Safety, 22.0, 22.0),
        holding("tap operations", 424, W, transformer::TAPS, Part::Counter, 0.0, 65535.0),
        coil("breaker", 0, transformer::BREAKER, Part::Command),
        coil("fan group 1", 2, transformer::FAN1, Part::Command),
        coil("fan group 2", 3, transformer::FAN2, Part::Command),
        coil("acknowledge", 8, transformer::ACKED, Part::Status),
        discrete("tripped", 1, transformer::TRIPPED, Part::Status),
        discrete("temperature alarm", 4, transformer::ALARM, Part::Status),
    ],
    start: transformer::START,
    spare: 24,
    step: |vars, controlled, env| {
        use transformer::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic {
                step_tap(vars, env.seconds);
                vars[FAN1] = switch(vars[FAN1], vars[WINDING] - vars[FAN_SETPOINT], 3.0);
                vars[FAN2] = switch(vars[FAN2], vars[WINDING] - vars[FAN_SETPOINT] - 12.0, 3.0);
            }
            let cause = vars[VOLTAGE] > vars[VOLTAGE_TRIP] || vars[WINDING] > vars[WINDING_TRIP];
            let guard = Guard { command: BREAKER, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, cause, automatic, env.seconds);
            vars[ALARM] = f64::from(vars[WINDING] > vars[HIGH]);
        }
        vars[HIGH_SIDE] = 110.0 + env.wander(vars[HIGH_SIDE] - 110.0, 2400.0, 1.0).clamp(-4.0, 4.0);
        let voltage = vars[HIGH_SIDE] / 5.5 * (1.0 + (vars[TAP] - 10.0) * 0.0125) * (1.0 - 0.05 * env.load);
        vars[VOLTAGE] = env.lag(vars[VOLTAGE], voltage * vars[BREAKER], 1.0);
        let share = env.load * vars[BREAKER] * (vars[VOLTAGE] / 20.0).powi(2);
        vars[LOAD] = env.lag(vars[LOAD], 32.0 * share, 2.0) + env.rng.bell() * 0.03;
        vars[REACTIVE] = env.lag(vars[REACTIVE], 9.0 * share, 2.0) + env.rng.bell() * 0.02;
        vars[AMBIENT] = 14.0 + env.wander(vars[AMBIENT] - 14.0, 9000.0, 1.2).clamp(-5.0, 5.0);
        let cooled = 1.0 + 0.3 * vars[FAN1] + 0.3 * vars[FAN2];
        vars[OIL] = env.lag(vars[OIL], vars[AMBIENT] + 8.0 + 52.0 * share * share / cooled, 2400.0);
        let gradient = 26.0 * share.powf(1.6) / cooled.sqrt();
        vars[WINDING] = env.lag(vars[WINDING], vars[OIL] + gradient, 200.0) + env.rng.bell() * 0.004;
        vars[SHOWN] = env.sense(vars[VOLTAGE], 0.006, 0.001).max(0.0);
        vars[VOLTAGE] / 20.0
    },
};

/// The tap changer: a step when the voltage has been outside the band for a while. It does not step
/// without voltage.
fn step_tap(vars: &mut [f64], seconds: f64) {
    use transformer::*;
    let error = vars[SETPOINT] - vars[VOLTAGE];
    let direction =
        if vars[VOLTAGE] < 12.0 || error.abs() < vars[BAND].max(0.13) { 0.0 } else { error.signum() };
    vars[DUE] = if direction != 0.0 && direction == vars[DIRECTION] { vars[DUE] + seconds } else { 0.0 };
    vars[DIRECTION] = direction;
    if vars[DUE] > 20.0 {
        let tap = (vars[TAP] + direction).clamp(1.0, 21.0);
        vars[TAPS] += f64::from(tap != vars[TAP]);
        (vars[TAP], vars[DUE]) = (tap, 0.0);
    }
}

variables!(busbar:
    VOLTAGE = 20.4, FREQUENCY = 50.0, REACTIVE = 0.0, SETPOINT = 20.4, INTEGRAL = 0.0, MODE = 2.0,
    HIGH = 21.6, UNDER = 49.2, OVER = 22.4, COMPENSATOR = 1.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0,
    ALARM = 0.0, HOURS = 9120.0, SHOWN = 20.4, SHOWN_FREQUENCY = 50.0, DISTORTION = 1.8, EXPORTED = 1201.0,
    ANGLE = 0.0,
);

const BUSBAR: CellKind = CellKind {
    name: "busbar",
    points: &[
        input("bus voltage", 0, VOLTS, busbar::SHOWN, 19.3, 21.5),
        input("frequency", 1, VOLTS, busbar::SHOWN_FREQUENCY, 49.8, 50.2),
        input("compensator power", 3, SIGNED, busbar::REACTIVE, -4.2, 4.2),
        input("distortion", 5, CENTI, busbar::DISTORTION, 0.6, 3.5),
        input("phase angle", 14, SIGNED, busbar::ANGLE, -6.0, 6.0),
        holding("compensator setpoint", 400, VOLTS, busbar::SETPOINT, Part::Setpoint, 20.0, 20.8),
        holding("voltage alarm", 404, VOLTS, busbar::HIGH, Part::Limit, 21.5, 21.8),
        holding("mode", 405, W, busbar::MODE, Part::Mode, 2.0, 2.0),
        holding("underfrequency trip", 414, VOLTS, busbar::UNDER, Part::Safety, 49.2, 49.2),
        holding("overvoltage trip", 415, VOLTS, busbar::OVER, Part::Safety, 22.4, 22.4),
        holding("reactive energy", 422, W, busbar::EXPORTED, Part::Counter, 0.0, 65535.0),
        holding("compensator hours", 423, W, busbar::HOURS, Part::Counter, 0.0, 65535.0),
        coil("compensator", 0, busbar::COMPENSATOR, Part::Command),
        coil("acknowledge", 8, busbar::ACKED, Part::Status),
        discrete("compensator tripped", 1, busbar::TRIPPED, Part::Status),
        discrete("voltage alarm", 4, busbar::ALARM, Part::Status),
    ],
    start: busbar::START,
    spare: 24,
    step: |vars, controlled, env| {
        use busbar::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            let cause = vars[FREQUENCY] < vars[UNDER] || vars[VOLTAGE] > vars[OVER];
            let guard = Guard { command: COMPENSATOR, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, cause, automatic, env.seconds);
            if automatic {
                // A droop: it holds the voltage with the tap changer, not against it.
                let wanted = ((vars[SETPOINT] - vars[VOLTAGE]) * 4.0).clamp(-6.0, 6.0);
                vars[INTEGRAL] = env.lag(vars[INTEGRAL], wanted, 2.0);
            }
            let far = vars[VOLTAGE] > vars[HIGH] || vars[VOLTAGE] < 18.8;
            alarm(vars, ALARM, ACKED, far && vars[TRIPPED] < 0.5);
        }
        let asked = vars[INTEGRAL] * vars[COMPENSATOR];
        vars[REACTIVE] = env.lag(vars[REACTIVE], asked, 0.6) + env.rng.bell() * 0.004;
        vars[VOLTAGE] = env.lag(vars[VOLTAGE], 20.0 * env.feed + 0.06 * vars[REACTIVE], 0.5);
        vars[FREQUENCY] = 50.0 + env.wander(vars[FREQUENCY] - 50.0, 120.0, 0.02).clamp(-0.15, 0.15);
        vars[ANGLE] = (env.wander(vars[ANGLE], 900.0, 1.0)).clamp(-5.5, 5.5);
        vars[DISTORTION] = (1.8 + env.wander(vars[DISTORTION] - 1.8, 1800.0, 0.2)).clamp(0.8, 3.2);
        vars[EXPORTED] = (vars[EXPORTED] + vars[REACTIVE].abs() * env.seconds / 3600.0) % 65536.0;
        vars[HOURS] += vars[COMPENSATOR] * env.seconds / 3600.0;
        vars[SHOWN] = env.sense(vars[VOLTAGE], 0.005, 0.001).max(0.0);
        vars[SHOWN_FREQUENCY] = env.sense(vars[FREQUENCY], 0.001, 0.001);
        env.feed
    },
};

variables!(capacitor:
    STAGE1 = 1.0, STAGE2 = 1.0, STAGE3 = 1.0, STAGE4 = 0.0, STAGE5 = 0.0, STAGE6 = 0.0, STAGES = 3.0,
    FACTOR = 0.96, REACTIVE = 7.0, ACTIVE = 24.0, CURRENT = 225.0, SETPOINT = 0.96, LOW = 0.86, MODE = 2.0,
    TRIP = 21.9, UNBALANCE_TRIP = 12.0, UNBALANCE = 1.5, DUE = 0.0, TRIPPED = 0.0, ACKED = 0.0,
    WAIT = 600.0, ALARM = 0.0, SWITCHED = 5120.0, DRIFT = 0.0, SHOWN = 0.96, ENABLED = 1.0,
);

const CAPACITOR: CellKind = CellKind {
    name: "capacitor",
    points: &[
        input("power factor", 0, VOLTS, capacitor::SHOWN, 0.86, 1.0),
        input("reactive power", 1, SIGNED, capacitor::REACTIVE, -0.4, 15.0),
        input("active power", 2, SIGNED, capacitor::ACTIVE, 11.0, 38.0),
        input("stages in", 8, W, capacitor::STAGES, 0.0, 5.0),
        input("bank current", 9, Form::Word(10.0), capacitor::CURRENT, 0.0, 430.0),
        input("unbalance current", 10, CENTI, capacitor::UNBALANCE, 0.2, 4.0),
        holding("power factor setpoint", 400, VOLTS, capacitor::SETPOINT, Part::Setpoint, 0.94, 0.98),
        holding("power factor alarm", 401, VOLTS, capacitor::LOW, Part::Limit, 0.84, 0.88),
        holding("mode", 403, W, capacitor::MODE, Part::Mode, 2.0, 2.0),
        holding("overvoltage trip", 412, VOLTS, capacitor::TRIP, Part::Safety, 21.9, 21.9),
        holding("unbalance trip", 413, CENTI, capacitor::UNBALANCE_TRIP, Part::Safety, 12.0, 12.0),
        holding("switchings", 420, W, capacitor::SWITCHED, Part::Counter, 0.0, 65535.0),
        coil("bank breaker", 0, capacitor::ENABLED, Part::Command),
        coil("stage 1", 16, capacitor::STAGE1, Part::Command),
        coil("stage 2", 17, capacitor::STAGE2, Part::Command),
        coil("stage 3", 18, capacitor::STAGE3, Part::Command),
        coil("stage 4", 19, capacitor::STAGE4, Part::Command),
        coil("stage 5", 20, capacitor::STAGE5, Part::Command),
        coil("stage 6", 21, capacitor::STAGE6, Part::Command),
        coil("acknowledge", 8, capacitor::ACKED, Part::Status),
        discrete("bank tripped", 1, capacitor::TRIPPED, Part::Status),
        discrete("power factor alarm", 4, capacitor::ALARM, Part::Status),
    ],
    start: capacitor::START,
    spare: 16,
    step: |vars, controlled, env| {
        use capacitor::*;
        let voltage = 20.0 * env.feed;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic {
                switch_stages(vars, env.seconds);
            }
            let cause = voltage > vars[TRIP] || vars[UNBALANCE] > vars[UNBALANCE_TRIP];
            let guard = Guard { command: ENABLED, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, cause, automatic, env.seconds);
            vars[ALARM] = f64::from(vars[FACTOR] < vars[LOW]);
        }
        vars[STAGES] = vars[STAGE1..=STAGE6].iter().sum::<f64>() * vars[ENABLED];
        vars[DRIFT] = env.wander(vars[DRIFT], 2400.0, 0.012).clamp(-0.04, 0.04);
        let active = 30.0 * env.load * env.feed * env.feed;
        vars[ACTIVE] = env.lag(vars[ACTIVE], active, 2.0) + env.rng.bell() * 0.03;
        let given = STAGE * vars[STAGES] * env.feed * env.feed;
        let reactive = vars[ACTIVE] * (0.58 + vars[DRIFT]) - given;
        vars[REACTIVE] = env.lag(vars[REACTIVE], reactive, 1.0);
        vars[FACTOR] = vars[ACTIVE].max(0.0) / vars[ACTIVE].hypot(vars[REACTIVE]).max(0.01);
        vars[CURRENT] = env.sense(given / (1.732 * voltage.max(4.0)) * 1000.0, 0.3, 0.1).max(0.0);
        vars[UNBALANCE] = (1.5 + env.wander(vars[UNBALANCE] - 1.5, 600.0, 0.2)).max(0.3);
        vars[SHOWN] = env.sense(vars[FACTOR], 0.0006, 0.001).clamp(0.0, 1.0);
        env.feed
    },
};

/// Puts a stage in or takes one out when the reactive power has been too far from its aim for a while. A
/// power factor above one asks for more than compensation.
fn switch_stages(vars: &mut [f64], seconds: f64) {
    use capacitor::*;
    let asked = vars[SETPOINT].clamp(0.5, 1.5);
    let slope = (1.0 - asked * asked).abs().sqrt() / asked;
    let missing = vars[REACTIVE] - vars[ACTIVE] * slope.copysign(1.0 - asked);
    vars[DUE] = if missing.abs() > 0.6 * STAGE { vars[DUE] + seconds } else { 0.0 };
    if vars[DUE] < 40.0 {
        return;
    }
    vars[DUE] = 0.0;
    let stages = &mut vars[STAGE1..=STAGE6];
    let turned = if missing > 0.0 {
        stages.iter_mut().find(|stage| **stage < 0.5).map(|stage| *stage = 1.0)
    } else {
        stages.iter_mut().rfind(|stage| **stage > 0.5).map(|stage| *stage = 0.0)
    };
    vars[SWITCHED] += f64::from(turned.is_some());
}

variables!(auxiliary:
    VOLTAGE = 121.0, CHARGE = 9.0, DRAWN = 9.0, INTEGRAL = 9.0, SETPOINT = 121.0, CHARGER = 1.0,
    LOW = 114.0, TRIP = 96.0, MODE = 2.0, TRIPPED = 0.0, ACKED = 0.0, WAIT = 600.0, ALARM = 0.0,
    ROOM = 21.0, ROOM_SETPOINT = 21.0, HEATER = 0.0, COOLING = 0.0, HYDROGEN = 0.1, SUPPLY = 400.0,
    BEAT = 0.0, SHOWN = 121.0, HOURS = 20_233.0, OUTLET = 1.0, SHOWN_CHARGE = 9.0, OFF = 0.0,
);

const AUXILIARY: CellKind = CellKind {
    name: "auxiliary",
    points: &[
        input("battery voltage", 0, CENTI, auxiliary::SHOWN, 116.0, 125.5),
        input("charger current", 1, SIGNED, auxiliary::SHOWN_CHARGE, 0.0, 26.0),
        input("load current", 2, SIGNED, auxiliary::DRAWN, 5.0, 13.0),
        input("supply voltage", 4, Form::Word(10.0), auxiliary::SUPPLY, 370.0, 430.0),
        input("room temperature", 6, Form::Signed(10.0), auxiliary::ROOM, 15.5, 26.5),
        input("hydrogen", 15, CENTI, auxiliary::HYDROGEN, 0.0, 0.6),
        holding("float voltage setpoint", 400, CENTI, auxiliary::SETPOINT, Part::Setpoint, 119.0, 123.5),
        holding(
            "room temperature setpoint",
            401,
            Form::Word(10.0),
            auxiliary::ROOM_SETPOINT,
            Part::Setpoint,
            18.0,
            24.0,
        ),
        holding("battery low alarm", 403, CENTI, auxiliary::LOW, Part::Limit, 112.0, 115.0),
        holding("mode", 406, W, auxiliary::MODE, Part::Mode, 2.0, 2.0),
        holding("deep discharge trip", 415, CENTI, auxiliary::TRIP, Part::Safety, 96.0, 96.0),
        holding("charger hours", 424, W, auxiliary::HOURS, Part::Counter, 0.0, 65535.0),
        holding("heartbeat", 430, W, auxiliary::BEAT, Part::Counter, 0.0, 65535.0),
        coil("charger", 0, auxiliary::CHARGER, Part::Command),
        coil("battery outlet", 1, auxiliary::OUTLET, Part::Command),
        coil("heater", 4, auxiliary::HEATER, Part::Command),
        coil("cooling", 5, auxiliary::COOLING, Part::Command),
        coil("acknowledge", 8, auxiliary::ACKED, Part::Status),
        discrete("battery alarm", 0, auxiliary::ALARM, Part::Status),
        discrete("battery cut off", 1, auxiliary::TRIPPED, Part::Status),
    ],
    start: auxiliary::START,
    spare: 24,
    step: |vars, controlled, env| {
        use auxiliary::*;
        if controlled {
            let automatic = vars[MODE] > 1.5;
            if automatic {
                let pi = Pi { gain: 6.0, rate: 0.03, range: (0.0, 25.0) };
                let error = vars[SETPOINT] - vars[VOLTAGE];
                vars[CHARGE] = pi.output(&mut vars[INTEGRAL], error, env.seconds);
                vars[HEATER] = switch(vars[HEATER], vars[ROOM_SETPOINT] - vars[ROOM] - 0.6, 0.5);
                vars[COOLING] = switch(vars[COOLING], vars[ROOM] - vars[ROOM_SETPOINT] - 0.6, 0.5);
            }
            // A charger that somebody switched off is on again before the battery is empty.
            vars[OFF] = if vars[CHARGER] < 0.5 && automatic { vars[OFF] + env.seconds } else { 0.0 };
            vars[CHARGER] = vars[CHARGER].max(f64::from(vars[OFF] > SHIFT));
            let guard = Guard { command: OUTLET, tripped: TRIPPED, acked: ACKED, wait: WAIT };
            guard.watch(vars, vars[VOLTAGE] < vars[TRIP], automatic, env.seconds);
            vars[ALARM] = f64::from(vars[VOLTAGE] < vars[LOW]);
            vars[BEAT] = if env.every(5) { (vars[BEAT] + 1.0) % 65536.0 } else { vars[BEAT] };
        }
        vars[SUPPLY] = env.lag(vars[SUPPLY], 394.0 * env.feed, 1.0) + env.rng.bell() * 0.3;
        let powered = vars[CHARGER] * f64::from(vars[SUPPLY] > 300.0);
        let charge = vars[CHARGE] * powered;
        vars[DRAWN] = 9.0 + env.wander(vars[DRAWN] - 9.0, 600.0, 0.6).clamp(-3.0, 3.0);
        // Beyond its gassing voltage a battery takes current and gives hydrogen instead of filling up.
        let gassing = (vars[VOLTAGE] - 122.5).max(0.0);
        let net = charge - vars[DRAWN] * vars[OUTLET] - 0.4 * gassing;
        vars[VOLTAGE] = (vars[VOLTAGE] + net * env.seconds / 600.0).clamp(60.0, 150.0);
        vars[HYDROGEN] =
            (env.lag(vars[HYDROGEN], 0.1 + 0.15 * gassing, 300.0) + env.rng.bell() * 0.0005).max(0.0);
        let outside = 12.0 + 8.0 * env.load;
        let heat = 8.0 * vars[HEATER] - 10.0 * vars[COOLING] + 3.0;
        vars[ROOM] = env.lag(vars[ROOM], outside + heat, 2400.0) + env.rng.bell() * 0.002;
        vars[HOURS] += powered * env.seconds / 3600.0;
        vars[SHOWN] = env.sense(vars[VOLTAGE], 0.03, 0.01).max(0.0);
        vars[SHOWN_CHARGE] = env.sense(charge, 0.03, 0.01).max(0.0);
        env.feed
    },
};

/// Reactive power of a stage of the bank: megavars.
const STAGE: f64 = 2.6;
