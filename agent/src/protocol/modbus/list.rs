//! Lists inside messages: file records (20, 21) and identification objects (43/14).
//!
//! A list is walked twice: once to judge the message, again when somebody reads the rows. Both walk
//! the same iterators, which stop at the first entry that does not fit.

use crate::bytes::Reader;
use crate::flow::Direction;
use crate::protocol::{Field, Rows, Value};

/// The list that a message carries, if it carries one; made for every message, so it only lends.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct List<'a> {
    /// Who sent the message.
    pub from: Direction,
    /// Its function.
    pub func: u8,
    /// What follows the function.
    pub body: &'a [u8],
}

impl Rows for List<'_> {
    fn each(&self, row: &mut dyn FnMut(&[Field<'_>])) {
        match (self.func, self.from) {
            (20, Direction::ToServer) => requested(self.body).for_each(|group| group.row(row)),
            (20, Direction::ToClient) => returned(self.body).for_each(|group| group.row(row)),
            (21, _) => written(self.body).for_each(|group| group.row(row)),
            _ => objects(self.body).for_each(|object| object.row(row)),
        }
    }
}

/// The request of 20 is made of whole groups and as long as it says.
pub(super) fn asked_records(body: &[u8]) -> bool {
    adds_up(body, requested(body).count().saturating_mul(7))
}

/// The response of 20 is made of whole groups and as long as it says.
pub(super) fn read_records(body: &[u8]) -> bool {
    adds_up(body, returned(body).map(|group| group.values.len().saturating_add(2)).sum())
}

/// 21 in either direction is made of whole groups and as long as it says.
pub(super) fn written_records(body: &[u8]) -> bool {
    adds_up(body, written(body).map(|group| group.values.len().saturating_add(7)).sum())
}

/// There are as many objects as announced, and nothing after them.
pub(super) fn objects_whole(body: &[u8]) -> bool {
    let announced = body.get(5).map_or(0, |count| usize::from(*count));
    let (mut found, mut bytes) = (0_usize, 6_usize);
    for object in objects(body) {
        found = found.saturating_add(1);
        bytes = bytes.saturating_add(object.value.len()).saturating_add(2);
    }
    found == announced && bytes == body.len()
}

fn adds_up(body: &[u8], groups: usize) -> bool {
    groups > 0
        && body.first().is_some_and(|count| usize::from(*count) == groups)
        && groups.checked_add(1) == Some(body.len())
}

/// A part of a file (Application Protocol, 6.14 and 6.15); the response of 20 names no place.
struct Record<'a> {
    place: Option<(u16, u16)>,
    length: u64,
    values: &'a [u8],
    has_values: bool,
}

impl Record<'_> {
    fn row(&self, row: &mut dyn FnMut(&[Field<'_>])) {
        let (file, record) = self.place.unwrap_or_default();
        let fields = [
            Field { name: "file", value: Value::Number(u64::from(file)) },
            Field { name: "record", value: Value::Number(u64::from(record)) },
            Field { name: "length", value: Value::Number(self.length) },
            Field { name: "values", value: Value::Registers(self.values) },
        ];
        let first = if self.place.is_some() { 0 } else { 2 };
        let end = if self.has_values { 4 } else { 3 };
        row(fields.get(first..end).unwrap_or_default());
    }
}

fn requested(body: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut reader = Reader::new(body.get(1..).unwrap_or_default());
    std::iter::from_fn(move || {
        let (place, length) = place(&mut reader)?;
        Some(Record { place: Some(place), length: u64::from(length), values: &[], has_values: false })
    })
}

fn written(body: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut reader = Reader::new(body.get(1..).unwrap_or_default());
    std::iter::from_fn(move || {
        let (place, length) = place(&mut reader)?;
        let values = reader.take(usize::from(length).saturating_mul(2))?;
        Some(Record { place: Some(place), length: u64::from(length), values, has_values: true })
    })
}

fn returned(body: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut reader = Reader::new(body.get(1..).unwrap_or_default());
    std::iter::from_fn(move || {
        let bytes = usize::from(reader.u8()?);
        reader.u8().filter(|kind| *kind == REFERENCE)?;
        let values = reader.take(bytes.checked_sub(1)?)?;
        let length = values.chunks(2).count() as u64;
        Some(Record { place: None, length, values, has_values: true })
    })
}

fn place(reader: &mut Reader<'_>) -> Option<((u16, u16), u16)> {
    reader.u8().filter(|kind| *kind == REFERENCE)?;
    Some(((reader.u16()?, reader.u16()?), reader.u16()?))
}

/// One object of a device identification.
struct Object<'a> {
    id: u8,
    value: &'a [u8],
}

impl Object<'_> {
    fn row(&self, row: &mut dyn FnMut(&[Field<'_>])) {
        let id = Field { name: "id", value: Value::Number(u64::from(self.id)) };
        let value = Field { name: "value", value: Value::Text(self.value) };
        match object_name(self.id) {
            Some(name) => row(&[id, Field { name: "name", value: Value::Str(name) }, value]),
            None => row(&[id, value]),
        }
    }
}

fn objects(body: &[u8]) -> impl Iterator<Item = Object<'_>> {
    let mut reader = Reader::new(body.get(6..).unwrap_or_default());
    std::iter::from_fn(move || {
        let (id, length) = (reader.u8()?, reader.u8()?);
        Some(Object { id, value: reader.take(usize::from(length))? })
    })
}

const fn object_name(id: u8) -> Option<&'static str> {
    Some(match id {
        0 => "vendor_name",
        1 => "product_code",
        2 => "major_minor_revision",
        3 => "vendor_url",
        4 => "product_name",
        5 => "model_name",
        6 => "user_application_name",
        _ => return None,
    })
}

/// The only reference type of file records.
const REFERENCE: u8 = 6;
