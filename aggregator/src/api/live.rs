//! `/ws`: what happens, as it happens. A client reads from the rings of the hub at its own pace; nothing is
//! queued for it. One that does not read is closed, and goes on later with the last number it saw.

pub mod sockets;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::error::Elapsed;
use tokio::time::{Duration, MissedTickBehavior, interval, timeout};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::auth::{is_own_page, tokens};
use super::error::ApiError;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use crate::bus::message::Words;
use crate::hub::{Channel, Event, Next};
use wire::{Fault, Heard, Wire};

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("live", "What happens, as it happens").add(look, routes!(socket)).add(look, routes!(ticket))
}

/// A ticket for a page, which cannot send headers with a socket.
#[derive(Serialize, ToSchema)]
struct Ticket {
    /// To be sent as the subprotocols `fieldward.v1` and `ticket.…`. It works once.
    ticket: String,
    /// Seconds.
    #[schema(example = 30)]
    expires_in: u64,
}

/// Get a ticket for a socket
#[utoipa::path(post, path = "/api/auth/ws-ticket", operation_id = "get_socket_ticket",
    responses((status = 200, body = Ticket)))]
async fn ticket(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<Ticket>, ApiError> {
    let (secret, digest) = tokens::secret()?;
    api.give_ticket(digest, principal);
    Ok(axum::Json(Ticket { ticket: secret, expires_in: super::auth::tickets::LIFE.as_secs() }))
}

/// Listen
///
/// A WebSocket. Each message has `channel`, `type`, `seq`, `ts` and `data`. All channels are told from the
/// beginning; `{"op": "subscribe", "channels": ["alerts"], "since": {"alerts": 41}, "epoch": "…"}` chooses, and goes
/// on behind a number. Where that is gone, a message of type `reset` says so: read the lists, then go on from its
/// `seq`. `{"op": "ping"}` and `{"op": "status"}` are answered. `{"op": "custom", "facility": "north", "data": {…}}` tells
/// the others who see the plant (without one: who see all), on the channel `system` as type `custom`; it is not kept.
///
/// Closes with 4401 when the session has ended, 4403 when no facility is left in scope, 4408 when messages are not
/// taken, 1012 when the aggregator stops. Messages are compressed for whoever offers
/// `permessage-deflate`, each by itself.
#[utoipa::path(get, path = "/ws", operation_id = "listen",
    responses((status = 101, description = "the socket is open"), (status = 426, description = "this is no WebSocket")))]
async fn socket(
    State(api): State<Arc<Api>>,
    principal: Principal,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    if !is_own_page(&headers, &api.origins) {
        return Err(ApiError::forbidden("foreign_origin", "a page of another origin may not listen"));
    }
    let Some(place) = api.sockets.take(principal.id) else {
        let said = "as many sockets are open as may be, in all or of this user or key";
        return Err(ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "busy", said, 5));
    };
    let agreed = wire::handshake(&headers, PROTOCOL).filter(|_| request.method() == Method::GET);
    let Some((agreed, deflates)) = agreed else {
        let said = "this path speaks WebSocket alone";
        let error = ApiError::new(StatusCode::UPGRADE_REQUIRED, "no_websocket", said);
        return Err(error.header(axum::http::header::UPGRADE, "websocket"));
    };
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        // Whoever goes before it is one takes his place with him.
        if let Ok(upgraded) = upgraded.await {
            let socket = Wire::new(TokioIo::new(upgraded), deflates, LARGEST);
            let mut client = Client { news: api.hub.news(), at: BTreeMap::new(), api, principal, socket };
            client.run().await;
        }
        drop(place);
    });
    Ok((StatusCode::SWITCHING_PROTOCOLS, agreed).into_response())
}

/// Somebody who listens.
struct Client {
    api: Arc<Api>,
    principal: Principal,
    socket: Wire,
    news: tokio::sync::watch::Receiver<u64>,
    /// The last number that it was told, for each channel that it listens to.
    at: BTreeMap<Channel, u64>,
}

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Said {
    Ping {},
    Status {},
    Subscribe {
        channels: Vec<String>,
        #[serde(default)]
        since: BTreeMap<String, u64>,
        epoch: Option<String>,
    },
    Unsubscribe {
        channels: Vec<String>,
    },
    Custom {
        facility: Option<String>,
        data: serde_json::Value,
    },
}

/// Why a socket is closed.
struct Closed(u16, &'static str);

impl Client {
    async fn run(&mut self) {
        self.at = Channel::ALL.map(|channel| (channel, self.api.hub.newest(channel))).into();
        if let Err(Closed(code, reason)) = self.talk().await {
            self.api.sockets.close(code);
            // Whoever does not read does not hear this either.
            drop(timeout(FAREWELL, self.socket.close(code, reason)).await);
        }
    }

    async fn talk(&mut self) -> Result<(), Closed> {
        may_listen(&self.principal)?;
        self.say(self.standing("hello")).await?;
        let (mut pings, mut looks) = (interval(PING), interval(LOOK));
        for every in [&mut pings, &mut looks] {
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            every.reset();
        }
        let mut heard = true;
        loop {
            if self.api.hub.has_ended() {
                return Err(Closed(1012, "the aggregator starts anew"));
            }
            self.news.borrow_and_update();
            self.catch_up().await?;
            tokio::select! {
                _ = self.news.changed() => {}
                said = self.socket.hear() => {
                    heard = true;
                    match said {
                        Ok(Heard::Text(text)) => self.hear(&text).await?,
                        Ok(Heard::Binary) => return Err(Closed(1003, "text alone is understood")),
                        Ok(Heard::Ping(bytes)) => taken(timeout(SLOWEST, self.socket.pong(&bytes)).await)?,
                        Ok(Heard::Pong) => {}
                        Ok(Heard::Close) => {
                            drop(timeout(FAREWELL, self.socket.close(1000, "")).await);
                            return Ok(());
                        }
                        Err(Fault::Wrong(code, why)) => return Err(Closed(code, why)),
                        Err(Fault::Gone) => return Ok(()),
                    }
                }
                _ = pings.tick() => {
                    if !std::mem::take(&mut heard) {
                        return Err(Closed(1001, "nobody is there"));
                    }
                    taken(timeout(SLOWEST, self.socket.ping()).await)?;
                }
                _ = looks.tick() => {
                    self.principal = still(&self.api, self.principal.clone()).await?;
                    may_listen(&self.principal)?;
                }
            }
        }
    }

    /// Tells what it was not told yet.
    async fn catch_up(&mut self) -> Result<(), Closed> {
        let channels: Vec<(Channel, u64)> = self.at.iter().map(|(channel, seen)| (*channel, *seen)).collect();
        for (channel, mut seen) in channels {
            loop {
                match self.api.hub.after(channel, seen, AT_ONCE) {
                    Next::Events(events) if events.is_empty() => break,
                    Next::Events(events) => {
                        for event in events {
                            seen = event.seq;
                            if event.to.holds(|plant| self.principal.scope.holds(plant)) {
                                self.tell(channel, &event).await?;
                            }
                        }
                    }
                    Next::Gone { oldest, newest } => {
                        seen = newest;
                        let data = json!({ "reason": "gone", "oldest_seq": oldest });
                        self.say(json!({ "v": 1, "channel": channel.name(), "type": "reset", "seq": newest, "data": data }))
                            .await?;
                    }
                }
            }
            self.at.insert(channel, seen);
        }
        Ok(())
    }

    async fn hear(&mut self, text: &str) -> Result<(), Closed> {
        if self.api.limits.of_principal(&self.principal.key()).is_err() {
            return self.refuse("rate_limited", "too much is said; wait a little").await;
        }
        match serde_json::from_str::<Said>(text) {
            Ok(Said::Ping {}) => self.say(json!({ "v": 1, "type": "pong" })).await,
            Ok(Said::Status {}) => self.say(self.standing("status")).await,
            Ok(Said::Subscribe { channels, since, epoch }) => match named(&channels) {
                Some(channels) => {
                    // Numbers of another process say nothing here: all that may have been is gone.
                    let is_ours = epoch.as_deref().is_none_or(|epoch| epoch == self.api.hub.epoch());
                    let from = |channel: Channel| match since.get(channel.name()) {
                        Some(seen) if is_ours => *seen,
                        Some(_) => u64::MAX,
                        None => self.api.hub.newest(channel),
                    };
                    self.at = channels.into_iter().map(|channel| (channel, from(channel))).collect();
                    self.say(self.standing("subscribed")).await
                }
                None => self.refuse("not_understood", "no such channel").await,
            },
            Ok(Said::Unsubscribe { channels }) => match named(&channels) {
                Some(channels) => {
                    self.at.retain(|channel, _| !channels.contains(channel));
                    self.say(self.standing("subscribed")).await
                }
                None => self.refuse("not_understood", "no such channel").await,
            },
            Ok(Said::Custom { facility, data }) => self.tell_others(facility, &data).await,
            Err(_) => {
                let why = "say subscribe, unsubscribe, ping, status or custom, as /docs tells";
                self.refuse("not_understood", why).await
            }
        }
    }

    /// Tells the others who see a plant what this one says.
    async fn tell_others(
        &mut self,
        facility: Option<String>,
        data: &serde_json::Value,
    ) -> Result<(), Closed> {
        let who = &self.principal;
        if who.role < Role::Analyst {
            return self.refuse("missing_role", "only analysts and above tell others").await;
        }
        let may = facility.as_deref().map_or_else(|| who.sees_all(), |plant| who.scope.holds(plant));
        if !may {
            return self.refuse("missing_scope", "name a facility that you see").await;
        }
        let said = json!({ "from": who.name, "facility_id": facility, "said": data }).to_string();
        if said.len() > LARGEST_WORDS {
            return self.refuse("too_large", "that is longer than 4 KiB").await;
        }
        let words = Words { facility, data: said };
        if let Some(bus) = &self.api.bus {
            bus.say(&crate::bus::message::Message::Words(words.clone()));
        }
        self.api.say(&words);
        Ok(())
    }

    async fn refuse(&mut self, code: &str, why: &str) -> Result<(), Closed> {
        self.say(json!({ "v": 1, "type": "error", "data": { "code": code, "detail": why } })).await
    }

    /// How it stands: whose numbers these are, and the newest of each channel that it listens to.
    fn standing(&self, kind: &str) -> serde_json::Value {
        let newest: BTreeMap<&str, u64> =
            self.at.keys().map(|channel| (channel.name(), self.api.hub.newest(*channel))).collect();
        json!({ "v": 1, "type": kind, "epoch": self.api.hub.epoch(), "data": { "channels": newest } })
    }

    /// Tells what all are told: compressed once for all who take it so.
    async fn tell(&mut self, channel: Channel, event: &Event) -> Result<(), Closed> {
        let packed = if self.socket.deflates() { event.packed(channel, wire::deflated) } else { None };
        taken(match packed {
            Some(bytes) => timeout(SLOWEST, self.socket.packed(bytes)).await,
            None => timeout(SLOWEST, self.socket.text(&event.text(channel))).await,
        })?;
        self.count(packed.is_some());
        Ok(())
    }

    async fn say(&mut self, words: serde_json::Value) -> Result<(), Closed> {
        taken(timeout(SLOWEST, self.socket.text(&words.to_string())).await)?;
        self.count(false);
        Ok(())
    }

    fn count(&self, is_packed: bool) {
        self.api.sockets.sent.fetch_add(1, Ordering::Relaxed);
        self.api.sockets.packed.fetch_add(u64::from(is_packed), Ordering::Relaxed);
    }
}

/// What became of something that was sent.
fn taken(sent: Result<Result<(), Fault>, Elapsed>) -> Result<(), Closed> {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Closed(1001, "nobody is there")),
        Err(_) => Err(Closed(4408, "too slow; come back with the last number")),
    }
}

/// Who sees no plant has nothing to hear.
fn may_listen(principal: &Principal) -> Result<(), Closed> {
    if principal.narrow(Vec::new()).is_none() {
        return Err(Closed(4403, "no facility is in scope"));
    }
    Ok(())
}

/// Whether somebody may still listen, and to what.
async fn still(api: &Api, principal: Principal) -> Result<Principal, Closed> {
    match api.still(&principal).await {
        Ok(principal) => Ok(principal),
        Err(error) if error.status == StatusCode::UNAUTHORIZED => Err(Closed(4401, "the session has ended")),
        // The database is away: that is no reason to send anybody off.
        Err(_) => Ok(principal),
    }
}

fn named(names: &[String]) -> Option<Vec<Channel>> {
    names.iter().map(|name| Channel::named(name)).collect()
}

/// How messages look.
const PROTOCOL: &str = "fieldward.v1";
/// Bytes of what a client says.
const LARGEST: usize = 64 << 10;
/// Of what it tells others.
const LARGEST_WORDS: usize = 4 << 10;
/// Messages that are taken from a ring at once.
const AT_ONCE: usize = 64;
/// For a message to be taken.
const SLOWEST: Duration = Duration::from_secs(10);
const FAREWELL: Duration = Duration::from_secs(1);
const PING: Duration = Duration::from_secs(20);
/// How often it is looked whether it may still listen.
const LOOK: Duration = Duration::from_secs(60);
