//! The context window in Redis, for other tools at the plant that want to read it: a sorted set
//! `context:FACILITY`, a member a second, 60 seconds long. Only counts and features go there.
//!
//! The agent never waits for it: a thread of its own writes what fits into a short queue, and what does
//! not, because Redis is slow or away, is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The way to Redis.
pub struct Mirror {
    queue: Option<SyncSender<Second>>,
    dropped: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// One second of the window.
struct Second {
    second: u64,
    json: String,
}

/// Where Redis is, and what goes wrong with that.
#[derive(Debug, thiserror::Error)]
#[error("redis_url is no address of a Redis server ({0}); write it like redis://127.0.0.1:6379/0")]
pub struct BadAddress(String);

impl Mirror {
    /// Begins to write to the server at `url`, which need not be there yet.
    pub fn start(url: &str, facility: &str) -> Result<Self, BadAddress> {
        // The address may hold a password: it must not stand in the error.
        let client = redis::Client::open(url).map_err(|error| BadAddress(error.category().to_owned()))?;
        let (queue, seconds) = sync_channel(QUEUE);
        let (dropped, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let writer = Writer {
            client,
            key: format!("context:{facility}"),
            dropped: dropped.clone(),
            written: written.clone(),
        };
        let thread =
            std::thread::Builder::new().name("mirror".to_owned()).spawn(move || writer.run(&seconds));
        Ok(Self { queue: Some(queue), dropped, written, thread: thread.ok() })
    }

    /// Hands over a second that is over.
    pub fn second(&self, second: u64, json: String) {
        let full = match &self.queue {
            Some(queue) => matches!(
                queue.try_send(Second { second, json }),
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
            ),
            None => true,
        };
        if full {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Seconds that did not get there.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Seconds that did.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        // The queue ends, and with it the thread; what waits in a time-out ends with that.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The thread that writes.
struct Writer {
    client: redis::Client,
    key: String,
    dropped: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

impl Writer {
    fn run(self, seconds: &Receiver<Second>) {
        let mut connection = None;
        let mut rest = 0_u32;
        // A server that is away for days is said once.
        let mut away = false;
        loop {
            let second = match seconds.recv_timeout(Duration::from_secs(1)) {
                Ok(second) => second,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // After a failure some seconds are let go before the next attempt.
            if connection.is_none() && rest > 0 {
                rest -= 1;
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let written =
                self.connect(&mut connection).and_then(|connection| self.write(connection, &second));
            match written {
                Ok(()) => {
                    rest = 0;
                    if std::mem::take(&mut away) {
                        tracing::info!("Redis takes the context window again");
                    }
                    self.written.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(
                            error = error.category(),
                            "Redis does not take the context window; going on without"
                        );
                    }
                    connection = None;
                    rest = REST;
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn connect<'a>(
        &self,
        connection: &'a mut Option<redis::Connection>,
    ) -> redis::RedisResult<&'a mut redis::Connection> {
        let open = match connection.take() {
            Some(open) => open,
            None => {
                let open = self.client.get_connection_with_timeout(PATIENCE)?;
                open.set_read_timeout(Some(PATIENCE))?;
                open.set_write_timeout(Some(PATIENCE))?;
                open
            }
        };
        Ok(connection.insert(open))
    }

    fn write(&self, connection: &mut redis::Connection, second: &Second) -> redis::RedisResult<()> {
        redis::pipe()
            .zadd(&self.key, &second.json, second.second)
            .ignore()
            .zrembyscore(&self.key, "-inf", second.second.saturating_sub(WINDOW))
            .ignore()
            .expire(&self.key, WINDOW as i64 * 2)
            .ignore()
            .query(connection)
    }
}

/// Seconds that wait for Redis.
const QUEUE: usize = 8;
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// Seconds that are let go after a failure.
const REST: u32 = 5;
/// Seconds that are kept there.
const WINDOW: u64 = 60;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_that_is_none_is_told_without_its_password() {
        let told = Mirror::start("redis//:secret@host", "a").err().unwrap().to_string();
        assert!(told.contains("redis://127.0.0.1:6379/0") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn a_server_that_says_nothing_holds_nobody_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let mirror = Mirror::start(&url, "a").unwrap();
        for second in 0..100 {
            mirror.second(second, "{}".to_owned());
        }
        assert!(mirror.dropped() >= 100 - QUEUE as u64 - 2);
        assert_eq!(mirror.written(), 0);
    }
}
