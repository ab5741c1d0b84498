//! Plays the scenes: everyday traffic at a steady rate, and each attack at its time.

use std::time::Duration;

use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::pipeline::demo::everyday::Everyday;
use crate::pipeline::demo::scenes;
use crate::pipeline::demo::scenes::Attack;
use crate::pipeline::demo::template::Part;
use crate::pipeline::demo::transport::Places;
use crate::pipeline::demo::transport::Senders;

/// Everyday lines a second: enough to see life, little enough for any machine.
const LINES_PER_SECOND: u64 = 40;
const TICK: Duration = Duration::from_millis(50);

/// One attack with its place in the story.
struct Performance {
    attack: Attack,
    part: Part,
    count: u32,
    due: Instant,
}

/// Plays until cancelled.
///
/// # Errors
/// When the scenes cannot be read; a sender that fails is told in the log and tried again.
pub async fn play(places: Places, cancel: CancellationToken) -> anyhow::Result<()> {
    let (_, attacks) = scenes::read()?;
    let mut random = fastrand::Rng::new();
    let mut everyday = Everyday::new(random.u64(..))?;
    let mut senders = Senders::new(places);
    let start = Instant::now();
    let mut performances: Vec<Performance> = attacks
        .into_iter()
        .map(|attack| Performance {
            due: start + Duration::from_secs(attack.first_seconds),
            part: Part::invent(&mut random),
            count: 0,
            attack,
        })
        .collect();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        for _ in 0..LINES_PER_SECOND * TICK.as_millis() as u64 / 1000 {
            if let Some((transport, line)) = everyday.next(SystemClock.now()) {
                send(&mut senders, transport, line).await;
            }
        }
        for performance in &mut performances {
            perform(performance, &mut senders, &mut random).await;
        }
    }
}

/// Sends what is due of one attack, at most a handful of lines at a time.
async fn perform(performance: &mut Performance, senders: &mut Senders, random: &mut fastrand::Rng) {
    for _ in 0..5 {
        if Instant::now() < performance.due {
            return;
        }
        let attack = &performance.attack;
        if performance.count == 0 {
            info!(attack = %attack.name, raises = ?attack.raises, "demo attack begins");
        }
        performance.count += 1;
        let is_last = performance.count >= attack.repeat;
        let last = if is_last { attack.last.as_slice() } else { &[] };
        for template in attack.lines.iter().chain(last) {
            let line = template.fill(SystemClock.now(), &performance.part, performance.count, random);
            send(senders, &attack.transport, line).await;
        }
        if is_last {
            performance.due += Duration::from_secs(attack.every_seconds);
            performance.part = Part::invent(random);
            performance.count = 0;
        } else {
            performance.due += Duration::from_millis(attack.gap_ms);
        }
    }
}

async fn send(senders: &mut Senders, transport: &scenes::Transport, line: String) {
    if let Err(error) = senders.send(transport, line).await {
        warn!(%error, ?transport, "demo line not sent");
    }
}
