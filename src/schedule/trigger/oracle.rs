//! 200 schedules over a year, by a simulated clock, against `tests/oracle/schedules.py`.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Schedule;
use crate::schedule::catchup::{Catchup, due};
use crate::schedule::clock::{Clock, SimulatedClock};

/// FNV-1a over the seconds since 1970 in decimal, each with a line feed, as the script computes it.
struct Hash(u64);

impl Hash {
    fn add(&mut self, moment: Timestamp) {
        for byte in format!("{}\n", moment.as_second()).bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[test]
fn two_hundred_schedules_over_a_year_agree_with_an_independent_computation() {
    let stored: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/schedules.json")).unwrap();
    let schedules = stored["schedules"].as_array().unwrap();
    assert_eq!(schedules.len(), 200);
    let (start, end): (Timestamp, Timestamp) =
        ("2025-01-01T00:00:00Z".parse().unwrap(), "2026-01-01T00:00:00Z".parse().unwrap());
    let mut differ = Vec::new();
    for expected in schedules {
        let schedule = Schedule {
            cron: expected["cron"].as_str().map(str::to_owned),
            zone: expected["zone"].as_str().map(str::to_owned),
            ..Schedule::default()
        };
        let trigger = schedule.check().unwrap();
        // A server that sleeps until the next occurrence and wakes up to 59 s late.
        let clock = SimulatedClock::at(start);
        let (mut since, mut fired, mut hash) = (start, Vec::new(), Hash(0xcbf2_9ce4_8422_2325));
        while let Some(next) = trigger.next_after(since).filter(|next| *next <= end) {
            let late = i64::try_from(fired.len() % 60).unwrap();
            clock.set((next + SignedDuration::from_secs(late)).min(end));
            let found = due(&trigger, since, clock.now(), Catchup::None);
            assert!(found.dropped.is_empty());
            for moment in &found.fire {
                hash.add(*moment);
            }
            since = found.dealt_with().unwrap();
            fired.extend(found.fire);
        }
        let same = Some(fired.len() as u64) == expected["count"].as_u64()
            && fired.first().map(|first| first.as_second()) == expected["first"].as_i64()
            && fired.last().map(|last| last.as_second()) == expected["last"].as_i64()
            && Some(format!("{:016x}", hash.0).as_str()) == expected["hash"].as_str();
        if !same {
            differ.push(format!("{expected}: found {}", fired.len()));
        }
    }
    assert!(differ.is_empty(), "{} of 200 differ:\n{}", differ.len(), differ.join("\n"));
}
