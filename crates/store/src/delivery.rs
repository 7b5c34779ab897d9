//! What webhooks are to be told: kept until it is told, or nobody tries any more.

use model::Timestamp;

/// What one webhook is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same at each try.
    pub id: String,
    /// Which webhook.
    pub webhook: String,
    /// What it is about, in the words of who makes it.
    pub event: String,
    /// What is sent.
    pub body: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A message in line, or one that nobody tries to send any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number: those of one webhook are sent in this order.
    pub number: u64,
    /// What is sent.
    pub message: Message,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// When it is tried next.
    pub due: Timestamp,
    /// What the last try came to.
    pub error: Option<String>,
    /// Since when nobody tries any more.
    pub dead: Option<Timestamp>,
}

/// Something that comes with time alone, which every replica notices and one tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What it is, in the words of who makes it.
    pub event: String,
    /// What it happened to.
    pub subject: String,
    /// The time that makes it another one: of the same event, subject and time there is one.
    pub at: Timestamp,
    /// Who is to be told, and what.
    pub messages: Vec<Message>,
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter<'f> {
    /// Those of this webhook.
    pub webhook: Option<&'f str>,
    /// Those that are dead, or those that are not.
    pub is_dead: Option<bool>,
}

/// What became of a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again, then.
    Again(Timestamp),
    /// It is not tried again, since then.
    Dead(Timestamp),
}

/// How many deliveries there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many wait.
    pub waiting: u64,
    /// When the oldest of those was made.
    pub oldest: Option<Timestamp>,
    /// How many nobody tries any more.
    pub dead: u64,
}
