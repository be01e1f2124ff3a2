//! Poll plans: which reads bring a unit's tables to a master, and how a master goes round.

use tokio_modbus::Request;

use crate::plant::device::Unit;
use crate::plant::points::Table;

/// The reads that cover all points of a unit: neighbours in a table share one.
pub fn reads(unit: &Unit, tables: &[Table]) -> Vec<Request<'static>> {
    let mut reads = Vec::new();
    for &table in tables {
        let mut spans: Vec<(u16, u16)> = unit
            .points
            .iter()
            .filter(|point| point.table == table)
            .map(|point| (point.addr, point.addr + point.width()))
            .collect();
        spans.sort_unstable();
        let mut blocks: Vec<(u16, u16)> = Vec::new();
        for (start, end) in spans {
            match blocks.last_mut() {
                Some(block) if start <= block.1 + GAP => block.1 = block.1.max(end),
                _ => blocks.push((start, end)),
            }
        }
        reads.extend(blocks.into_iter().map(|(start, end)| {
            let count = end - start;
            match table {
                Table::Coil => Request::ReadCoils(start, count),
                Table::Discrete => Request::ReadDiscreteInputs(start, count),
                Table::Input => Request::ReadInputRegisters(start, count),
                Table::Holding => Request::ReadHoldingRegisters(start, count),
            }
        }));
    }
    reads
}

/// Words between two points that are read along rather than asked for twice.
const GAP: u16 = 6;
