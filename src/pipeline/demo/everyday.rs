//! The everyday traffic as lines, each with how it travels: what the player sends, and what benches measure with.

use crate::model::Timestamp;
use crate::pipeline::demo::scenes;
use crate::pipeline::demo::scenes::Scene;
use crate::pipeline::demo::scenes::Transport;
use crate::pipeline::demo::template::Part;

/// Invents everyday lines, of each system as often as its weight says.
#[derive(Debug)]
pub struct Everyday {
    scenes: Vec<Scene>,
    weights: u32,
    random: fastrand::Rng,
}

impl Everyday {
    /// Begins; the same seed gives the same lines for the same times.
    ///
    /// # Errors
    /// When the scenes cannot be read: a mistake of ours, which a test finds.
    pub fn new(seed: u64) -> anyhow::Result<Everyday> {
        let (scenes, _) = scenes::read()?;
        Ok(Everyday::of(scenes, seed))
    }

    /// The same, only what travels as syslog.
    ///
    /// # Errors
    /// As [`Everyday::new`].
    pub fn syslog(seed: u64) -> anyhow::Result<Everyday> {
        let (mut scenes, _) = scenes::read()?;
        scenes.retain(|scene| matches!(scene.transport, Transport::Udp | Transport::Tcp));
        Ok(Everyday::of(scenes, seed))
    }

    fn of(scenes: Vec<Scene>, seed: u64) -> Everyday {
        let weights = scenes.iter().map(|scene| scene.weight).sum::<u32>().max(1);
        Everyday { scenes, weights, random: fastrand::Rng::with_seed(seed) }
    }

    /// Invents the next line.
    pub fn line(&mut self, now: Timestamp) -> String {
        self.next(now).map(|(_, line)| line).unwrap_or_default()
    }

    /// Invents the next line and says how it travels.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(&Transport, String)> {
        let mut pick = self.random.u32(0..self.weights);
        let scene = self.scenes.iter().find(|scene| match pick.checked_sub(scene.weight) {
            Some(left) => {
                pick = left;
                false
            }
            None => true,
        })?;
        let template = self.random.choice(&scene.lines)?;
        Some((&scene.transport, template.fill(now, &Part::default(), 0, &mut self.random)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_lines_again() {
        let now = Timestamp(1_700_000_000_000_000_000);
        let lines = |seed| {
            let mut everyday = Everyday::new(seed).expect("scenes are read");
            (0..200).map(|_| everyday.line(now)).collect::<Vec<String>>()
        };
        let first = lines(7);
        assert_eq!(first, lines(7));
        assert_ne!(first, lines(8));
        assert!(first.iter().all(|line| !line.is_empty()));
    }
}
