//! Points over the network: writing what a point means, in the way that suits its table and width.

use tokio_modbus::Request;

use super::{Fault, Node};
use crate::plant::Target;
use crate::plant::points::Table;

impl Node {
    /// Sets a point, over a connection of its own.
    pub async fn set(&self, target: &Target, value: f64) -> Result<(), Fault> {
        let point = target.point;
        let words = point.encode(value);
        let request = match (point.table, point.width()) {
            (Table::Coil, _) => Request::WriteSingleCoil(point.addr, words[0] != 0),
            (_, 1) => Request::WriteSingleRegister(point.addr, words[0]),
            _ => Request::WriteMultipleRegisters(point.addr, words.to_vec().into()),
        };
        let mut master = self.modbus(self.world.device_ip(target.device)).await?;
        master.timeout = 3.0;
        master.ask(target.unit, request).await.map(drop)
    }
}
