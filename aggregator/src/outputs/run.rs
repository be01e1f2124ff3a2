//! Tells an output, as long as the service runs. Once a second it looks for what is new; while the other side is away
//! it rests longer and longer, and alerts wait in the database.

use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use tokio::time::{Duration, MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use super::{Output, OutputError, Wanted};
use crate::breaker::Breaker;
use crate::store::outputs::Lot;
use crate::store::{Store, StoreError, now};

/// Tells until the stop.
pub async fn run(store: Store, name: &'static str, wanted: Wanted, output: Box<dyn Output>, mut stop: Stop) {
    let mut teller = Teller {
        store,
        name,
        wanted,
        output,
        runner: Uuid::new_v4(),
        breaker: Breaker::default(),
        has_begun: false,
    };
    let mut looks = interval(Duration::from_secs(1));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_said = false;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.asked() => break,
        }
        // What is being told is told to its end, or it would be told again.
        let cut_off = async {
            stop.asked().await;
            sleep(FAREWELL).await;
        };
        let looked = tokio::select! {
            looked = teller.look() => looked,
            () = cut_off => break,
        };
        match looked {
            Ok(None) => is_said = false,
            Ok(Some(rest)) => looks.reset_after(rest),
            Err(error) => {
                if !std::mem::replace(&mut is_said, true) {
                    tracing::warn!(output = name, %error, "what is to be told cannot be read; it is tried again");
                }
            }
        }
    }
    drop(timeout(FAREWELL, teller.store.leave_output(name, teller.runner)).await);
}

struct Teller {
    store: Store,
    name: &'static str,
    wanted: Wanted,
    output: Box<dyn Output>,
    runner: Uuid,
    breaker: Breaker,
    /// It is known from where on it is told.
    has_begun: bool,
}

impl Teller {
    /// Tells all that is new; how long to rest when the other side is away.
    async fn look(&mut self) -> Result<Option<Duration>, StoreError> {
        loop {
            // As long as nothing comes nothing is written: a look must not wake the disk each second.
            if self.has_begun && !self.store.output_has_news(self.name).await? {
                return Ok(None);
            }
            let now = now();
            let is_ours = self.store.take_output(self.name, self.runner, now, now.plus(LEASE)).await?;
            self.has_begun = true;
            if !is_ours {
                return Ok(None);
            }
            let lot = self.store.lot(self.name, |alert| self.wanted.takes(alert)).await?;
            if lot.is_empty() {
                return Ok(None);
            }
            match self.tell(&lot).await {
                Ok(refused) => {
                    self.store.output_told(self.name, &lot, refused, now).await?;
                    if self.breaker.succeeded() {
                        tracing::info!(output = self.name, "alerts are told again");
                    }
                }
                Err(error) => return self.failed(&error, now).await.map(Some),
            }
        }
    }

    /// Tells a lot, and how many of it were refused: when all at once are, one by one.
    async fn tell(&mut self, lot: &Lot) -> Result<u64, String> {
        match self.tell_some(&lot.alerts).await {
            Ok(()) => return Ok(0),
            Err(OutputError::Away(error)) => return Err(error),
            Err(OutputError::Refused(_)) => {}
        }
        let mut refused = 0;
        for one in &lot.alerts {
            match self.tell_some(std::slice::from_ref(one)).await {
                Ok(()) => {}
                Err(OutputError::Away(error)) => return Err(error),
                Err(OutputError::Refused(error)) => {
                    refused += 1;
                    tracing::warn!(output = self.name, alert = %one.alert.id, error, "an alert was refused");
                }
            }
        }
        Ok(refused)
    }

    async fn tell_some(&mut self, alerts: &[crate::store::alerts::Stored]) -> Result<(), OutputError> {
        if alerts.is_empty() {
            return Ok(());
        }
        let told = timeout(PATIENCE, self.output.tell(alerts)).await;
        told.unwrap_or_else(|_| Err(OutputError::Away("no answer in time".to_owned())))
    }

    async fn failed(&mut self, error: &str, now: Timestamp) -> Result<Duration, StoreError> {
        let is_first = self.breaker == Breaker::default();
        let rest = self.breaker.failed(fastrand::f64());
        if is_first {
            tracing::warn!(output = self.name, error, "alerts are not told; they wait in the database");
        }
        self.store.output_failed(self.name, error, now).await?;
        Ok(rest)
    }
}

/// Microseconds for which nobody else tells: longer than telling may take.
const LEASE: u64 = 60_000_000;
/// For the other side.
const PATIENCE: Duration = Duration::from_secs(20);
const FAREWELL: Duration = Duration::from_secs(2);
