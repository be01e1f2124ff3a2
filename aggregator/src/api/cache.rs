//! Answers that add up are kept for a moment, for whoever asks the same: [`super::route::Routes::keep`]. The key is
//! the path with what is behind `?`, and the role and the facilities of whoever asks, so that no answer crosses
//! a scope. An answer is forgotten with whatever the hub tells, with every request that changes something, and
//! after [`OLDEST`].
//!
//! With Redis all replicas share them, and one that cannot reach it keeps none: whoever changes something at one
//! replica sees that at the next. Without Redis they are in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use fieldward_shared::identity::{sha256, to_hex};
use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::{Duration, Instant, sleep};

use super::Api;
use super::principal::Principal;
use crate::hub::Channel;
use crate::store::now;

/// Answers that are kept, and what was counted of them.
#[derive(Debug, Default)]
pub struct Cache {
    /// Whether any are.
    is_on: bool,
    kept: Mutex<Kept>,
    /// Grows with every request that changes something.
    changes: AtomicU64,
    /// Answers that were there.
    pub hits: AtomicU64,
    /// Answers that were not.
    pub misses: AtomicU64,
    /// Answers that nobody looked for, since Redis is away.
    pub passed: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<String, Answer>,
    /// The oldest first.
    order: VecDeque<(String, Timestamp)>,
    bytes: usize,
}

/// An answer, and by what it holds.
#[derive(Clone, Debug)]
struct Answer {
    body: Bytes,
    made: Timestamp,
    by: Generation,
}

/// Changes with whatever may change answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    /// Of this process: numbers of the hub, and of requests that changed something.
    Here([u64; Channel::ALL.len()], u64),
    /// Of all replicas.
    Shared(u128),
}

impl Cache {
    /// One that keeps answers, or does not.
    pub fn new(is_on: bool) -> Self {
        Self { is_on, ..Self::default() }
    }

    /// Bytes that are kept here.
    pub fn bytes(&self) -> usize {
        self.kept().bytes
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&self, key: &str, by: Generation, at: Timestamp) -> Option<Answer> {
        let is_good = |answer: &&Answer| answer.by == by && at.since(answer.made) < OLDEST;
        self.answers.get(key).filter(is_good).cloned()
    }

    fn put(&mut self, key: &str, answer: Answer) {
        self.bytes += key.len() + answer.body.len();
        self.order.push_back((key.to_owned(), answer.made));
        if let Some(old) = self.answers.insert(key.to_owned(), answer) {
            self.bytes -= key.len() + old.body.len();
        }
        while self.bytes > MOST_BYTES || self.order.len() > MOST {
            let Some((key, made)) = self.order.pop_front() else { return };
            // Made anew since, it stands further behind as well.
            if self.answers.get(&key).is_some_and(|answer| answer.made == made)
                && let Some(old) = self.answers.remove(&key)
            {
                self.bytes -= key.len() + old.body.len();
            }
        }
    }
}

/// Answers from what is kept, or keeps what is answered.
pub async fn answer(api: &Api, principal: &Principal, request: Request, next: Next) -> Response {
    if !api.cache.is_on || request.method() != Method::GET {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let mut scope = principal.scope.list();
    scope.sort_unstable();
    let key = format!("{path}\n{}\n{}", principal.role.name(), scope.join(" "));
    // Before it is made: what changes meanwhile makes it old.
    let (by, found) = match &api.bus {
        None => {
            let by = here(api);
            (by, api.cache.kept().get(&key, by, now()))
        }
        Some(bus) => match bus.recall(&key).await {
            None => {
                api.cache.passed.fetch_add(1, Ordering::Relaxed);
                return next.run(request).await;
            }
            Some((generation, kept)) => {
                let by = Generation::Shared(generation);
                let kept = kept.map(|(made, body)| Answer { body: body.into(), made, by });
                (by, kept.filter(|kept| now().since(kept.made) < OLDEST))
            }
        },
    };
    if let Some(answer) = found {
        api.cache.hits.fetch_add(1, Ordering::Relaxed);
        return told(answer);
    }
    api.cache.misses.fetch_add(1, Ordering::Relaxed);
    let made = now();
    let (parts, body) = next.run(request).await.into_parts();
    let is_json = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let is_small = body.size_hint().upper().is_some_and(|bytes| bytes <= LARGEST as u64);
    if parts.status != StatusCode::OK || !is_json || !is_small {
        return Response::from_parts(parts, body);
    }
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match (&api.bus, by) {
        (Some(bus), Generation::Shared(generation)) => bus.keep(&key, generation, made, &body),
        _ => api.cache.kept().put(&key, Answer { body: body.clone(), made, by }),
    }
    told(Answer { body, made, by })
}

/// After a request that may have changed something, and before it is answered: nothing that is kept holds any more.
pub async fn changed(api: &Api) {
    if !api.cache.is_on {
        return;
    }
    api.cache.changes.fetch_add(1, Ordering::Relaxed);
    if let Some(bus) = &api.bus {
        bus.forget().await;
    }
}

/// Tells the other replicas' answers of what the hub tells here, until the stop: at once, but not more often than
/// they grow old by themselves.
pub async fn run(api: Arc<Api>, mut stop: Stop) {
    let (Some(bus), true) = (api.bus.clone(), api.cache.is_on) else { return stop.asked().await };
    let mut news = api.hub.news();
    let mut last = Instant::now();
    loop {
        tokio::select! {
            told = news.changed() => if told.is_err() { return },
            () = stop.asked() => return,
        }
        let early = SELDOM.saturating_sub(last.elapsed());
        if !early.is_zero() {
            tokio::select! {
                () = sleep(early) => {}
                () = stop.asked() => return,
            }
        }
        news.borrow_and_update();
        bus.forget().await;
        last = Instant::now();
    }
}

fn here(api: &Api) -> Generation {
    let newest = Channel::ALL.map(|channel| api.hub.newest(channel));
    Generation::Here(newest, api.cache.changes.load(Ordering::Relaxed))
}

fn told(answer: Answer) -> Response {
    let seconds = now().since(answer.made) / 1_000_000;
    let mut tag = to_hex(&sha256(&answer.body));
    tag.truncate(32);
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (AGE, HeaderValue::from(seconds)),
    ];
    let mut response = (headers, Body::new(http_body_util::Full::new(answer.body).boxed())).into_response();
    response.headers_mut().extend(HeaderValue::from_str(&format!("\"{tag}\"")).ok().map(|tag| (ETAG, tag)));
    response
}

/// Microseconds that an answer may be old.
pub const OLDEST: u64 = 2_000_000;
/// Between two times that others are told of what the hub tells.
const SELDOM: Duration = Duration::from_millis(250);
/// Bytes of an answer that is kept.
const LARGEST: usize = 256 << 10;
/// Bytes of all that are kept in memory, with their keys.
const MOST_BYTES: usize = 16 << 20;
/// How many are kept in memory.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize, micros: u64, change: u64) -> Answer {
        let by = Generation::Here([0; 4], change);
        Answer { body: vec![b'x'; bytes].into(), made: Timestamp::from_micros(micros), by }
    }

    #[test]
    fn an_answer_holds_for_its_generation_and_a_moment() {
        let mut kept = Kept::default();
        kept.put("a", answer(9, 100, 1));
        let at = |micros| Timestamp::from_micros(micros);
        let by = |change| Generation::Here([0; 4], change);
        assert!(kept.get("a", by(1), at(100 + OLDEST - 1)).is_some());
        assert!(kept.get("a", by(1), at(100 + OLDEST)).is_none(), "too old");
        assert!(kept.get("a", by(2), at(101)).is_none(), "something has changed");
        assert!(kept.get("b", by(1), at(101)).is_none());
        assert!(kept.get("a", Generation::Here([0, 1, 0, 0], 1), at(101)).is_none(), "the hub has told");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut kept = Kept::default();
        for nth in 0..200 {
            kept.put(&format!("{nth:03}"), answer(LARGEST, nth, 1));
            kept.put("again", answer(10, nth, 1));
            assert!(kept.bytes <= MOST_BYTES, "{}", kept.bytes);
        }
        let sum: usize = kept.answers.iter().map(|(key, one)| key.len() + one.body.len()).sum();
        assert_eq!(kept.bytes, sum);
        assert!(kept.answers.contains_key("199") && kept.answers.contains_key("again"));
        assert!(!kept.answers.contains_key("000"));
        (0..2 * MOST as u64).for_each(|nth| kept.put(&format!("{nth}"), answer(1, nth, 1)));
        assert!(kept.answers.len() <= MOST && kept.order.len() <= MOST);
    }
}
