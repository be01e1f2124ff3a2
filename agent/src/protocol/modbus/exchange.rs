//! One message of a conversation, from the function on: pairs it, adds its fields, judges it. Shared
//! by everything that carries Modbus.

use fieldward_shared::time::Timestamp;

use super::list::List;
use super::pdu;
use super::pending::{Key, Pending};
use super::request::{Asked, request, rest};
use super::response::{answers, response};
use crate::flow::Direction;
use crate::protocol::{Fields, Value};

/// What of a message is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Extent {
    /// Only its beginning.
    Cut,
    /// All of it.
    Whole,
}

/// The word that `kind` holds.
pub(in crate::protocol) const fn kind(from: Direction) -> &'static str {
    match from {
        Direction::ToClient => "response",
        Direction::ToServer => "request",
    }
}

/// Adds the fields from `func` on; says what is wrong with the message.
#[inline]
pub(in crate::protocol) fn exchange<'a>(
    pending: &mut Pending,
    fields: &mut Fields<'a>,
    list: &'a List<'a>,
    key: Key,
    now: Timestamp,
    extent: Extent,
) -> Option<&'static str> {
    let List { from, func, body } = *list;
    fields.number("func", key.func);
    fields.str("name", pdu::name(key.func));
    match from {
        Direction::ToServer => ask(pending, fields, list, key, now, extent),
        Direction::ToClient => {
            let answered = pending.answer(key, now, |asked| answers(func, body, asked));
            let asked = answered.as_ref().map(|(asked, _)| asked);
            let wrong = response(fields, func, body, list, asked);
            fields.bool("matched", answered.is_some());
            match answered {
                Some((_, waited)) => {
                    fields.push("rtt", Value::Span(waited));
                    wrong
                }
                None => wrong.or(contradiction(pending, key)),
            }
        }
    }
}

#[inline]
fn ask<'a>(
    pending: &mut Pending,
    fields: &mut Fields<'a>,
    list: &'a List<'a>,
    key: Key,
    now: Timestamp,
    extent: Extent,
) -> Option<&'static str> {
    if list.func >= 0x80 {
        rest(fields, list.body);
        return Some("exception sent by a client");
    }
    let mut asked = Asked::default();
    let wrong = request(fields, list.func, list.body, list, &mut asked);
    // A response is not held against words of its request that were never seen.
    if extent == Extent::Whole || (matches!(list.func, 1..=6 | 15 | 16 | 23) && list.body.len() >= 4) {
        pending.ask(key, asked, now);
    }
    wrong
}

#[cold]
fn contradiction(pending: &Pending, key: Key) -> Option<&'static str> {
    pending.contradicts(key).then_some("answers another function than was asked")
}
