//! Everyday life: what the hosts of a plant do all day, each in a task of its own.

mod cloud;
mod historian;
mod operator;
mod peers;
pub mod plan;
mod process;
mod scada;
mod sensor;

use std::rc::Rc;

use crate::world::World;

/// Begins everything.
pub fn begin(world: &Rc<World>) {
    process::begin(world);
    scada::begin(world);
    peers::begin(world);
    historian::begin(world);
    operator::begin(world);
    sensor::begin(world);
    cloud::begin(world);
}
