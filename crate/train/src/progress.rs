//! How long-running work reports how far it is.
//!
//! The library never prints: a caller passes a function and decides what to show.

/// One report: `done` of `total` units of one named piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done, in words a person can read.
    pub what: &'a str,
    /// Units finished so far.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// Name of the unit, in the plural: "bytes", "documents".
    pub unit: &'static str,
}

/// Receives the reports, in order.
pub type OnProgress<'a> = dyn FnMut(&Progress<'_>) + 'a;
