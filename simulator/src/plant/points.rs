//! Points: what a controller's registers and coils mean. A point ties a place in a table to a variable
//! of the process; reading it encodes the variable, writing it changes the variable.

/// The four tables of Modbus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bits that masters write: functions 1, 5, 15.
    Coil,
    /// Bits that masters only read: function 2.
    Discrete,
    /// Words that masters only read: function 4.
    Input,
    /// Words that masters write: functions 3, 6, 16, 22, 23.
    Holding,
}

/// How a variable becomes bits or words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// One bit: set above a half.
    Bit,
    /// An unsigned word of this many steps per unit.
    Word(f64),
    /// A signed word of this many steps per unit.
    Signed(f64),
    /// An IEEE 754 number in two words, the high one first.
    Float,
    /// The same, the low word first.
    FloatSwapped,
}

/// What a point is for: scenarios look for points by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What a sensor reads.
    Measurement,
    /// What the control loop aims at.
    Setpoint,
    /// Where an alarm begins.
    Limit,
    /// What switches an actuator.
    Command,
    /// What an actuator or an alarm reports.
    Status,
    /// Off, manual or automatic.
    Mode,
    /// What protects people and machines: trips, safety limits.
    Safety,
    /// Counts up: hours, heartbeats, energy.
    Counter,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 8] = [
        Self::Measurement,
        Self::Setpoint,
        Self::Limit,
        Self::Command,
        Self::Status,
        Self::Mode,
        Self::Safety,
        Self::Counter,
    ];
}

/// A point of a controller.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// As the engineers call it.
    pub name: &'static str,
    /// In which table.
    pub table: Table,
    /// The first place in it, counted from 0.
    pub addr: u16,
    /// How it is encoded.
    pub form: Form,
    /// Which variable of the cell.
    pub var: usize,
    /// What it is for.
    pub part: Part,
    /// The least that a working plant shows.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl Point {
    /// How many places it takes.
    pub const fn width(&self) -> u16 {
        match self.form {
            Form::Float | Form::FloatSwapped => 2,
            _ => 1,
        }
    }

    /// The words of `value`.
    pub fn encode(&self, value: f64) -> [u16; 2] {
        match self.form {
            Form::Bit => [u16::from(value > 0.5), 0],
            Form::Word(steps) => [(value * steps).round().clamp(0.0, 65535.0) as u16, 0],
            Form::Signed(steps) => [(value * steps).round().clamp(-32768.0, 32767.0) as i16 as u16, 0],
            Form::Float => {
                let bits = (value as f32).to_bits();
                [(bits >> 16) as u16, bits as u16]
            }
            Form::FloatSwapped => {
                let bits = (value as f32).to_bits();
                [bits as u16, (bits >> 16) as u16]
            }
        }
    }

    /// The value of `words`, of which the second matters for numbers of two words only.
    pub fn decode(&self, words: [u16; 2]) -> f64 {
        let float = |high: u16, low: u16| {
            let value = f64::from(f32::from_bits(u32::from(high) << 16 | u32::from(low)));
            if value.is_finite() { value } else { 0.0 }
        };
        match self.form {
            Form::Bit => f64::from(words[0] != 0),
            Form::Word(steps) => f64::from(words[0]) / steps,
            Form::Signed(steps) => f64::from(words[0] as i16) / steps,
            Form::Float => float(words[0], words[1]),
            Form::FloatSwapped => float(words[1], words[0]),
        }
    }

    /// Whether a master may write it.
    pub const fn writable(&self) -> bool {
        matches!(self.table, Table::Coil | Table::Holding)
    }
}

/// A point in a coil.
pub const fn coil(name: &'static str, addr: u16, var: usize, part: Part) -> Point {
    Point { name, table: Table::Coil, addr, form: Form::Bit, var, part, low: 0.0, high: 1.0 }
}

/// A point in a discrete input.
pub const fn discrete(name: &'static str, addr: u16, var: usize, part: Part) -> Point {
    Point { name, table: Table::Discrete, addr, form: Form::Bit, var, part, low: 0.0, high: 1.0 }
}

/// A point in an input register.
pub const fn input(name: &'static str, addr: u16, form: Form, var: usize, low: f64, high: f64) -> Point {
    Point { name, table: Table::Input, addr, form, var, part: Part::Measurement, low, high }
}

/// A point in a holding register.
pub const fn holding(
    name: &'static str,
    addr: u16,
    form: Form,
    var: usize,
    part: Part,
    low: f64,
    high: f64,
) -> Point {
    Point { name, table: Table::Holding, addr, form, var, part, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_from_its_words() {
        for form in [Form::Word(10.0), Form::Signed(10.0), Form::Float, Form::FloatSwapped] {
            let point = holding("x", 0, form, 0, Part::Setpoint, 0.0, 1.0);
            for value in [0.0, 12.3, 400.0] {
                let back = point.decode(point.encode(value));
                assert!((back - value).abs() < 1e-4, "{form:?}: {value} became {back}");
            }
        }
        let signed = holding("x", 0, Form::Signed(10.0), 0, Part::Setpoint, 0.0, 1.0);
        assert_eq!(signed.encode(-1.0)[0], 0xfff6);
    }

    #[test]
    fn what_is_no_number_reads_as_zero() {
        let point = holding("x", 0, Form::Float, 0, Part::Setpoint, 0.0, 1.0);
        assert_eq!(point.decode([0x7fc0, 0]), 0.0);
    }
}
