//! What must hold of a sound database, and whether it does.

use super::Store;
use super::error::Result;
use super::session::Session;

/// How closely the database is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// For each start, within a moment: every page of a small database (16 MiB, some 20,000 runs); of a larger one the tables
    /// that all else hangs from. The server looks at the rest ([`Depth::File`]) when it has started.
    Start,
    /// Every page is read and has its place.
    File,
    /// The file, its indexes and references, and the rules between tables.
    All,
}

impl Store {
    /// Looks for damage and contradictions. Each finding is a sentence; none is what is hoped for.
    ///
    /// Errors: the database cannot be read at all.
    pub fn verify(&self, depth: Depth) -> Result<Vec<String>> {
        self.read(|session| {
            let mut found = damage(session, depth)?;
            if depth == Depth::All {
                for (rule, violations) in RULES {
                    for what in session.all(violations, [], |row| row.get::<_, String>(0))? {
                        found.push(format!("not so: {rule}: {what}"));
                    }
                }
            }
            Ok(found)
        })
    }
}

/// Damage of the file itself.
pub(super) fn damage(session: &Session<'_>, depth: Depth) -> Result<Vec<String>> {
    let whole = match depth {
        Depth::Start => session.number("SELECT page_count FROM pragma_page_count()", [])? <= SMALL,
        Depth::File | Depth::All => true,
    };
    let checks: &[&str] = match depth {
        Depth::All => &["PRAGMA integrity_check(10)"],
        _ if whole => &["PRAGMA quick_check(10)"],
        _ => &["PRAGMA quick_check('jobs')", "PRAGMA quick_check('definitions')", "PRAGMA quick_check('promotions')"],
    };
    let mut found = Vec::new();
    for check in checks {
        found.extend(session.all(check, [], |row| row.get::<_, String>(0))?);
    }
    found.retain(|line| line != "ok");
    if depth == Depth::All {
        found.extend(session.all("PRAGMA foreign_key_check", [], |row| {
            Ok(format!(
                "a row of `{}` refers to a row of `{}` that is not there",
                row.get::<_, String>(0)?,
                row.get::<_, String>(2)?
            ))
        })?);
    }
    Ok(found)
}

/// Pages of a database that is looked at whole whenever it is opened.
const SMALL: i64 = 4096;

/// Rules that span rows or tables (those of one row are `CHECK`s), each with a query of what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "an occurrence that started has its run, unless that was swept",
        "SELECT o.job || ' ' || o.scheduled FROM occurrences o WHERE o.outcome = 'started' AND NOT o.swept \
           AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = o.run AND r.job = o.job AND r.scheduled = o.scheduled)",
    ),
    (
        "a run with a scheduled time has an occurrence that started",
        "SELECT r.id FROM runs r WHERE r.scheduled IS NOT NULL AND NOT EXISTS ( \
           SELECT 1 FROM occurrences o WHERE o.job = r.job AND o.scheduled = r.scheduled AND o.outcome = 'started')",
    ),
    (
        "a submission has its run, unless that was swept",
        "SELECT s.key FROM submissions s WHERE NOT s.swept AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = s.run)",
    ),
    (
        "a retry follows an attempt that ended otherwise than well, and counts one more",
        "SELECT r.id FROM runs r JOIN runs b ON b.id = r.retry_of \
         WHERE b.state NOT IN ('failed', 'timed_out', 'lost') OR r.attempt <> b.attempt + 1 OR r.root <> b.root",
    ),
    (
        "nothing is tried again after it succeeded",
        "SELECT r.id FROM runs r JOIN runs s ON s.root = r.root AND s.state = 'succeeded' AND r.attempt > s.attempt",
    ),
    (
        "a partition has the state of its last run",
        "SELECT p.job || ' ' || p.key FROM partitions p JOIN runs r ON r.id = p.run \
         WHERE r.state <> p.state OR r.partition IS NOT p.key OR r.job <> p.job",
    ),
    (
        "a partition's last run is the last one",
        "SELECT r.id FROM runs r WHERE r.partition IS NOT NULL AND r.number = ( \
             SELECT max(number) FROM runs x WHERE x.job = r.job AND x.partition = r.partition) \
           AND NOT EXISTS (SELECT 1 FROM partitions p WHERE p.job = r.job AND p.key = r.partition \
             AND CAST(substr(p.run, 17) AS INTEGER) >= r.number)",
    ),
    (
        "a partition of a backfill has the state of its run, or waits to be run again",
        "SELECT i.backfill || ' ' || i.partition FROM backfill_items i JOIN runs r ON r.id = i.run \
         WHERE i.state <> r.state AND NOT (i.state = 'pending' AND r.state IN ('failed', 'cancelled', 'timed_out', 'lost')) \
           AND NOT (i.state = 'succeeded' AND r.state IN ('failed', 'cancelled', 'timed_out', 'lost'))",
    ),
    (
        "a backfill has no more runs at work than it may",
        "SELECT b.number || '' FROM backfills b WHERE b.parallelism < (SELECT count(*) FROM runs r \
           WHERE r.backfill = b.number AND r.state IN ('queued', 'starting', 'running'))",
    ),
    (
        "a backfill that has ended has nothing left",
        "SELECT b.number || '' FROM backfills b WHERE b.state IN ('succeeded', 'failed') AND EXISTS ( \
           SELECT 1 FROM backfill_items i WHERE i.backfill = b.number AND i.state IN ('pending', 'queued', 'starting', 'running'))",
    ),
    (
        "a version was made by a run that succeeded",
        "SELECT p.name || ' ' || p.version FROM promotions p JOIN runs r ON r.id = p.run WHERE r.state <> 'succeeded'",
    ),
    (
        "a current version has its run, unless it was restored",
        "SELECT p.name || ' ' || p.version FROM promotions p \
         WHERE p.state = 'current' AND p.restores IS NULL AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = p.run)",
    ),
    (
        "a model or output that had a version has a current one",
        "SELECT DISTINCT p.name FROM promotions p WHERE p.state = 'former' \
           AND NOT EXISTS (SELECT 1 FROM promotions c WHERE c.name = p.name AND c.state = 'current')",
    ),
    (
        "runs that ended are in the totals",
        "SELECT r.job || ' ' || r.state FROM runs r WHERE r.ended IS NOT NULL GROUP BY r.job, r.state \
         HAVING count(*) > coalesce((SELECT t.runs FROM totals t WHERE t.job = r.job AND t.state = r.state), 0)",
    ),
];
