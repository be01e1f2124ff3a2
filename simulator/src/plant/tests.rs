//! What every kind of plant must hold, whoever adds one: addresses and roles at any size, a process that
//! stays within its bands for days, controllers that control, and tables that answer.

use std::collections::HashSet;

use tokio_modbus::{ExceptionCode, Request, Response};

use super::device::{Reply, Unit};
use super::points::{Form, Table};
use super::*;
use crate::life::plan;

const ROLES: [Role; 11] = [
    Role::Scada,
    Role::Operator,
    Role::Engineering,
    Role::Historian,
    Role::Broker,
    Role::Names,
    Role::Cloud,
    Role::Controller,
    Role::Gateway,
    Role::Sensor,
    Role::Stranger,
];
const PARTS: [Part; 8] = [
    Part::Measurement,
    Part::Setpoint,
    Part::Limit,
    Part::Command,
    Part::Status,
    Part::Mode,
    Part::Safety,
    Part::Counter,
];
const TABLES: [Table; 4] = [Table::Coil, Table::Discrete, Table::Input, Table::Holding];
/// The step of the simulation: seconds.
const STEP: f64 = 0.2;
/// Steps of an hour.
const HOUR: usize = 18_000;
/// A size at which every kind of cell occurs.
const COMPLETE: usize = 18;

/// A plant whose process has not been running yet.
fn fresh(kind: &'static Kind, size: usize) -> Plant {
    let mut rng = Rng::named(1, "plant");
    let hosts = layout::hosts(kind, size, [10, kind.octet], &mut rng);
    let (devices, cells) = layout::devices(kind, &hosts, &mut rng);
    Plant { kind, hosts, devices, cells: Cells(cells), throttle: 1.0, rng, turn: 0 }
}

/// Every plant at once, each in a thread of its own.
fn everywhere(test: impl Fn(&'static Kind) + Sync) {
    std::thread::scope(|scope| {
        for kind in PLANTS {
            scope.spawn(|| test(kind));
        }
    });
}

fn value(plant: &Plant, target: &Target) -> f64 {
    plant.cells.get(target.cell, target.point.var)
}

/// Writes a point as a master does.
fn write(plant: &mut Plant, target: &Target, value: f64) -> Reply {
    let point = target.point;
    let words = point.encode(value);
    let request = match (point.table, point.width()) {
        (Table::Coil, _) => Request::WriteSingleCoil(point.addr, words[0] != 0),
        (_, 1) => Request::WriteSingleRegister(point.addr, words[0]),
        _ => Request::WriteMultipleRegisters(point.addr, words.to_vec().into()),
    };
    plant.answer(target.device, 0, target.unit, &request)
}

/// Reads a point as a master does.
fn read(plant: &mut Plant, target: &Target) -> f64 {
    let point = target.point;
    let (at, width) = (point.addr, point.width());
    let request = match point.table {
        Table::Coil => Request::ReadCoils(at, width),
        Table::Discrete => Request::ReadDiscreteInputs(at, width),
        Table::Input => Request::ReadInputRegisters(at, width),
        Table::Holding => Request::ReadHoldingRegisters(at, width),
    };
    let words = match plant.answer(target.device, 0, target.unit, &request) {
        Some(Ok(Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits))) => [u16::from(bits[0]), 0],
        Some(Ok(Response::ReadInputRegisters(words) | Response::ReadHoldingRegisters(words))) => {
            [words[0], words.get(1).copied().unwrap_or(0)]
        }
        other => panic!("{}: {other:?}", point.name),
    };
    point.decode(words)
}

fn all(plant: &Plant) -> Vec<Target> {
    PARTS.into_iter().flat_map(|part| plant.targets(part)).collect()
}

fn near(one: f64, other: f64, point: &Point) -> bool {
    let fine = match point.form {
        Form::Bit => 0.5,
        Form::Word(steps) | Form::Signed(steps) => 0.51 / steps,
        Form::Float | Form::FloatSwapped => 1e-6 * one.abs().max(1.0),
    };
    (one - other).abs() <= fine
}

/// Every measurement is in its band.
fn within(plant: &Plant) {
    for target in plant.targets(Part::Measurement) {
        let Point { name, low, high, .. } = *target.point;
        let now = value(plant, &target);
        assert!((low..=high).contains(&now), "{} {name}: {now}, not {low} to {high}", plant.kind.name);
    }
}

#[test]
fn every_size_has_every_role_and_no_address_twice() {
    for kind in PLANTS {
        for size in (5..40).chain((40..=500).step_by(23)).chain([499, 500]) {
            let plant = fresh(kind, size);
            assert_eq!(plant.hosts.len(), size + 3, "{} of {size}", kind.name);
            for role in ROLES {
                assert!(plant.of(role).next().is_some(), "{} of {size} has no {role:?}", kind.name);
            }
            let ips: HashSet<_> = plant.hosts.iter().map(|host| host.ip).collect();
            let macs: HashSet<_> = plant.hosts.iter().map(|host| host.mac).collect();
            let names: HashSet<_> = plant.hosts.iter().map(|host| &host.name).collect();
            for unique in [ips.len(), macs.len(), names.len()] {
                assert_eq!(unique, size + 3, "{} of {size}", kind.name);
            }
            for part in PARTS {
                let own = |target: &Target| !plant.devices[target.device].gateway;
                assert!(
                    plant.targets(part).iter().any(own),
                    "no controller of {} of {size} has a {part:?}",
                    kind.name
                );
            }
            for host in plant.of(Role::Controller).chain(plant.of(Role::Gateway)) {
                assert!(plant.device_of(host).is_some());
            }
        }
    }
}

#[test]
fn kinds_differ_and_agree_on_what_scenarios_rely_on() {
    let octets: HashSet<_> = PLANTS.iter().map(|kind| kind.octet).collect();
    let domains: HashSet<_> = PLANTS.iter().map(|kind| kind.domain).collect();
    let makers: HashSet<_> =
        PLANTS.iter().flat_map(|kind| kind.makes.iter().map(|make| make.0).collect::<HashSet<_>>()).collect();
    assert_eq!((octets.len(), domains.len()), (PLANTS.len(), PLANTS.len()));
    assert!(makers.len() >= 2 * PLANTS.len());
    for kind in PLANTS {
        assert_eq!(kind.cells[kind.cells.len() - 1].name, remote::BLOCK.name);
        let points = |cell: &CellKind| cell.points.iter();
        assert!(kind.cells.iter().flat_map(points).any(|point| point.name == "acknowledge"), "{}", kind.name);
        for cell in &kind.cells[..kind.cells.len() - 1] {
            let of = |part: Part| points(cell).filter(move |point| point.part == part).count();
            for part in PARTS {
                assert!(of(part) > 0, "{} {} has no {part:?}", kind.name, cell.name);
            }
            assert!(of(Part::Measurement) > 2 && of(Part::Setpoint) <= 2, "{} {}", kind.name, cell.name);
            for point in points(cell) {
                let fits = match point.part {
                    Part::Measurement => point.table == Table::Input,
                    Part::Command => point.table == Table::Coil,
                    Part::Status => point.form == Form::Bit,
                    _ => point.table == Table::Holding,
                };
                assert!(fits, "{} {}: {} in an odd table", kind.name, cell.name, point.name);
                if point.part == Part::Mode {
                    assert_eq!((point.low, point.high, cell.start[point.var]), (2.0, 2.0, 2.0));
                }
            }
        }
    }
}

#[test]
fn points_stand_side_by_side_and_fit_their_words() {
    for kind in PLANTS {
        for cell in kind.cells {
            let unit = Unit { id: 1, cell: 0, points: cell.points, spare: vec![0; cell.spare] };
            let mut taken = HashSet::new();
            for point in cell.points {
                let name = format!("{} {} {}", kind.name, cell.name, point.name);
                for place in point.addr..point.addr + point.width() {
                    assert!(taken.insert((point.table, place)), "{name} lies on another point");
                    assert!(place < unit.size(point.table), "{name} is outside its table");
                }
                assert!(point.var < cell.start.len(), "{name} shows nothing");
                assert!(point.low <= point.high, "{name}");
                for edge in [point.low, point.high] {
                    if point.part != Part::Counter {
                        assert!(
                            near(edge, point.decode(point.encode(edge)), point),
                            "{name} cannot be {edge}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn tables_show_the_process_and_take_what_is_written() {
    everywhere(|kind| {
        let mut plant = Plant::new(kind, COMPLETE, [10, kind.octet], 1, 1);
        for target in all(&plant) {
            let (shown, is) = (read(&mut plant, &target), value(&plant, &target));
            let point = target.point;
            assert!(near(is, shown, point), "{} {}: {is} shows as {shown}", kind.name, point.name);
            if point.writable() {
                for edge in [point.low, point.high] {
                    let reply = write(&mut plant, &target, edge);
                    assert!(matches!(reply, Some(Ok(_))), "{} {}: {reply:?}", kind.name, point.name);
                    let back = read(&mut plant, &target);
                    assert_eq!(point.encode(edge), point.encode(back), "{} {}", kind.name, point.name);
                }
            }
        }
    });
}

#[test]
fn poll_plans_are_answered() {
    for kind in PLANTS {
        let mut plant = fresh(kind, 60);
        for device in 0..plant.devices.len() {
            for unit in plant.devices[device].units.clone() {
                for request in plan::reads(&unit, &TABLES) {
                    let reply = plant.answer(device, 0, unit.id, &request);
                    assert!(matches!(reply, Some(Ok(_))), "{} {request:?}: {reply:?}", kind.name);
                }
            }
            // Neighbours and engineers read from the beginning.
            let unit = plant.devices[device].units[0].id;
            for request in [Request::ReadInputRegisters(0, 2), Request::ReadHoldingRegisters(0, 16)] {
                let reply = plant.answer(device, 0, unit, &request);
                assert!(matches!(reply, Some(Ok(_))), "{} {request:?}: {reply:?}", kind.name);
            }
            let beyond = plant.answer(device, 0, unit, &Request::ReadHoldingRegisters(5000, 1));
            assert_eq!(beyond, Some(Err(ExceptionCode::IllegalDataAddress)));
        }
    }
}

/// The bands are those in which the plant works while its operators move setpoints within their ranges,
/// so they are held without any tolerance.
#[test]
fn two_days_stay_within_the_bands() {
    everywhere(|kind| {
        let mut plant = Plant::new(kind, COMPLETE, [10, kind.octet], 3, 3);
        let mut rng = Rng::named(3, "operator");
        let (measurements, setpoints) = (plant.targets(Part::Measurement), plant.targets(Part::Setpoint));
        let safety = plant.targets(Part::Safety);
        let mut seen = vec![(f64::MAX, f64::MIN); measurements.len()];
        for turn in 0..48 * HOUR {
            let hour = (12.0 + turn as f64 / HOUR as f64) % 24.0;
            plant.step(hour, STEP);
            if turn % 51 == 0 {
                for (target, (least, most)) in measurements.iter().zip(&mut seen) {
                    let now = value(&plant, target);
                    (*least, *most) = (least.min(now), most.max(now));
                }
            }
            if turn % 1500 == 0 {
                let target = setpoints[rng.below(setpoints.len() as u64) as usize];
                let (low, high) = (target.point.low, target.point.high);
                assert!(write(&mut plant, &target, rng.within(low, high)).is_some());
            }
        }
        let mut wrong = Vec::new();
        for (target, (least, most)) in measurements.iter().zip(&seen) {
            let Point { name, low, high, .. } = *target.point;
            let cell = plant.cells.0[target.cell].kind.name;
            if !(low <= *least && *least < *most && *most <= high) {
                wrong.push(format!("{cell} {name}: {least:.3} to {most:.3}, not {low} to {high}"));
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", kind.name, wrong.join("\n"));
        let finite = plant.cells.0.iter().flat_map(|cell| &cell.vars).all(|var| var.is_finite());
        assert!(finite, "{}", kind.name);
        for target in safety {
            assert!(near(value(&plant, &target), target.point.low, target.point), "{}", target.point.name);
        }
    });
}

/// A cell beside the plant's own, with one setpoint changed.
struct Variant {
    /// The cell of the plant beside which it runs.
    beside: usize,
    point: &'static Point,
    /// What the setpoint is, and whether operators would set it so.
    value: f64,
    usual: bool,
    cell: Cell,
    rng: Rng,
    /// How far its points were from those of the plant's own: shares of their bands, summed up.
    apart: Vec<f64>,
    /// It left a band, or an alarm or trip of the calm plant changed.
    noticed: bool,
}

/// From night to noon, with each setpoint low, high and absurd, beside the plant as it is.
#[test]
fn setpoints_move_the_process_and_absurd_ones_bring_it_out_of_its_band() {
    everywhere(|kind| {
        let own = &kind.cells[..kind.cells.len() - 1];
        let mut cells: Vec<Cell> = own.iter().map(Cell::new).collect();
        let mut rng = Rng::new(5);
        let mut variants = Vec::new();
        for (beside, cell) in own.iter().enumerate() {
            for point in cell.points.iter().filter(|point| point.part == Part::Setpoint) {
                let span = point.high - point.low;
                for (value, usual) in [
                    (point.low, true),
                    (point.high, true),
                    ((point.low - span).max(0.0), false),
                    (point.high + 2.0 * span, false),
                ] {
                    let (apart, cell) = (vec![0.0; cell.points.len()], Cell::new(cell));
                    let rng = Rng::new(7);
                    variants.push(Variant { beside, point, value, usual, cell, rng, apart, noticed: false });
                }
            }
        }
        let steps = 14 * HOUR;
        for turn in 0..steps {
            let hour = turn as f64 / HOUR as f64;
            let (now, next) = (hour as usize, hour as usize + 1);
            let load = kind.load[now].mul_add(1.0 - hour.fract(), kind.load[next] * hour.fract());
            let mut feed = 1.0;
            let mut feeds = Vec::with_capacity(cells.len());
            for (index, cell) in cells.iter_mut().enumerate() {
                feeds.push(feed);
                feed = cell.step(&mut Env { load, feed, seconds: STEP, turn, index, rng: &mut rng });
            }
            for variant in &mut variants {
                let index = variant.beside;
                variant.cell.vars[variant.point.var] = variant.value;
                let feed = feeds[index];
                let rng = &mut variant.rng;
                variant.cell.step(&mut Env { load, feed, seconds: STEP, turn, index, rng });
                let calm = &cells[index].vars;
                let points = variant.cell.kind.points.iter().zip(&mut variant.apart);
                for (point, apart) in points {
                    let (mine, theirs) = (variant.cell.vars[point.var], calm[point.var]);
                    assert!(mine.is_finite(), "{} {} {}", kind.name, variant.point.name, point.name);
                    let seen = match point.part {
                        Part::Measurement => true,
                        Part::Status => point.table == Table::Discrete,
                        _ => continue,
                    };
                    *apart += (mine - theirs) / (point.high - point.low) / steps as f64;
                    let outside = !(point.low..=point.high).contains(&mine) || point.part == Part::Status;
                    variant.noticed |= seen && outside && (mine - theirs).abs() > 1e-9;
                }
            }
        }
        let mut wrong = Vec::new();
        for four in variants.chunks(4) {
            let [low, high, less, more] = four else { unreachable!() };
            let moved = low.apart.iter().zip(&high.apart).map(|(low, high)| (low - high).abs());
            let most = moved.fold(0.0, f64::max);
            let name = format!("{} {} {}", kind.name, low.cell.kind.name, low.point.name);
            if most < 0.03 {
                wrong.push(format!("{name} moves nothing by more than {most:.3} of its band"));
            }
            // Too much cooling harms nothing but the fans.
            let harmless = low.point.name.starts_with("fan start");
            if !(less.noticed || harmless) || !more.noticed {
                wrong.push(format!(
                    "{name}: {} goes unnoticed {}, {} {}",
                    less.value, !less.noticed, more.value, !more.noticed
                ));
            }
            assert!(low.usual && high.usual && !less.usual && !more.usual);
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    });
}

#[test]
fn a_halted_controller_holds_its_outputs_and_the_process_goes_on() {
    for kind in PLANTS {
        let mut plant = Plant::new(kind, COMPLETE, [10, kind.octet], 1, 1);
        for device in &mut plant.devices {
            device.state = State::Stopped;
        }
        plant.step(12.0, STEP);
        let held: Vec<Target> = all(&plant)
            .into_iter()
            .filter(|target| match target.point.part {
                Part::Command => true,
                Part::Measurement => OUTPUTS.contains(&target.point.name),
                _ => false,
            })
            .collect();
        let before: Vec<f64> = held.iter().map(|target| value(&plant, target)).collect();
        let shown = plant.targets(Part::Measurement);
        let was: Vec<f64> = shown.iter().map(|target| value(&plant, target)).collect();
        for _ in 0..HOUR / 2 {
            plant.step(20.0, STEP);
        }
        for (target, before) in held.iter().zip(before) {
            assert_eq!(value(&plant, target), before, "{} {}", kind.name, target.point.name);
        }
        let moved = shown.iter().zip(was).filter(|(target, was)| value(&plant, target) != *was).count();
        assert!(moved > shown.len() / 2, "{}: {moved} of {}", kind.name, shown.len());
    }
}

/// Measurements that show what a controller puts out.
const OUTPUTS: [&str; 7] = [
    "dosing rate",
    "caustic rate",
    "inlet valve",
    "valve position",
    "anti-surge valve",
    "fan demand",
    "tap position",
];

#[test]
fn whatever_is_written_the_process_stays_finite() {
    everywhere(|kind| {
        let mut plant = Plant::new(kind, COMPLETE, [10, kind.octet], 1, 1);
        let mut rng = Rng::new(11);
        let targets: Vec<Target> = all(&plant).into_iter().filter(|target| target.point.writable()).collect();
        for _ in 0..4000 {
            let target = targets[rng.below(targets.len() as u64) as usize];
            let value = target.point.decode([rng.word(), rng.word()]);
            let value = if rng.chance(0.1) { rng.pick(&[3e38, -3e38, 1e-40, 0.0]) } else { value };
            assert!(write(&mut plant, &target, value).is_some());
            for _ in 0..rng.below(60) {
                plant.step(9.0, STEP);
            }
            for cell in &plant.cells.0 {
                let nth = cell.vars.iter().position(|var| !var.is_finite());
                assert_eq!(nth, None, "{} {} after {}", kind.name, cell.kind.name, target.point.name);
            }
        }
    });
}

/// The shift shuts the plant down for an hour and starts it again.
#[test]
fn a_plant_comes_back_from_a_shutdown() {
    everywhere(|kind| {
        let mut plant = Plant::new(kind, COMPLETE, [10, kind.octet], 1, 1);
        for throttle in [0.0, 1.0, 1.0, 1.0] {
            plant.throttle = throttle;
            for _ in 0..HOUR {
                plant.step(12.0, STEP);
            }
        }
        within(&plant);
    });
}

/// Steps until `target` reads `wanted`; tells after how many seconds.
fn until(plant: &mut Plant, target: &Target, wanted: f64) -> f64 {
    for turn in 0..HOUR {
        if value(plant, target) == wanted {
            return turn as f64 * STEP;
        }
        plant.step(12.0, STEP);
    }
    panic!("{} never becomes {wanted}", target.point.name)
}

fn point(plant: &Plant, name: &str) -> Target {
    all(plant).into_iter().find(|target| target.point.name == name).expect("a point of that name")
}

#[test]
fn an_emergency_shutdown_brings_the_compressor_down() {
    let mut plant = Plant::new(&gas::PLANT, COMPLETE, [10, 12], 1, 1);
    let (button, valve, run) =
        (point(&plant, "emergency shutdown"), point(&plant, "shutdown valve"), point(&plant, "run"));
    assert!(write(&mut plant, &button, 1.0).is_some());
    assert!(until(&mut plant, &valve, 0.0) < 1.0);
    assert!(until(&mut plant, &run, 0.0) < 120.0);
    let reset = point(&plant, "reset");
    assert!(write(&mut plant, &reset, 1.0).is_some());
    assert!(until(&mut plant, &valve, 1.0) < 1.0);
    assert!(until(&mut plant, &run, 1.0) < 900.0);
}

#[test]
fn protection_trips_recloses_and_locks_out() {
    let mut plant = Plant::new(&substation::PLANT, COMPLETE, [10, 13], 1, 1);
    let [pickup, breaker, locked, acknowledge] =
        ["overcurrent pickup", "breaker", "locked out", "acknowledge"].map(|name| point(&plant, name));
    assert!(write(&mut plant, &pickup, 50.0).is_some());
    for _ in 0..2 {
        assert!(until(&mut plant, &breaker, 0.0) < 2.0);
        assert!((4.0..6.0).contains(&until(&mut plant, &breaker, 1.0)));
    }
    assert!(until(&mut plant, &locked, 1.0) < 2.0);
    assert!(write(&mut plant, &pickup, 420.0).is_some());
    assert!(write(&mut plant, &acknowledge, 1.0).is_some());
    assert!(until(&mut plant, &breaker, 1.0) < 1.0);
    assert_eq!(value(&plant, &locked), 0.0);
}

/// An hour after an intruder switched everything off, the shift has it working again.
#[test]
fn what_was_switched_off_comes_back() {
    everywhere(|kind| {
        let mut plant = Plant::new(kind, COMPLETE, [10, kind.octet], 1, 1);
        let off: Vec<Target> = plant.targets(Part::Command);
        for target in &off {
            assert!(write(&mut plant, target, 0.0).is_some());
        }
        for _ in 0..3 * HOUR {
            plant.step(12.0, STEP);
        }
        within(&plant);
    });
}
