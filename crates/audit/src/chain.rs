//! The chain of records: each has the next number, and a hash of itself and of the one before. Pure.

use crate::{Hash, tree::Edge};

/// Where a chain has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    last: Hash,
    edge: Edge,
}

impl Chain {
    /// The chain of the log called `origin`, without a record.
    pub(crate) fn begin(origin: &str) -> Self {
        Self { last: Hash::of_origin(origin), edge: Edge::default() }
    }

    /// A chain that goes on behind `last`, with the tree as it was there.
    pub(crate) fn resume(last: Hash, edge: Edge) -> Self {
        Self { last, edge }
    }

    /// The number of the next record, which is how many there are.
    pub(crate) fn next(&self) -> u64 {
        self.edge.size()
    }

    /// The hash of the last record.
    pub(crate) fn last(&self) -> Hash {
        self.last
    }

    /// The tree over all records.
    pub(crate) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Adds the record with this body, if that leads to `hash`.
    pub(crate) fn accept(&mut self, body: &[u8], hash: Hash) -> bool {
        let is_next = Hash::of_record(self.last, body) == hash;
        if is_next {
            self.last = hash;
            self.edge.push(hash);
        }
        is_next
    }

    /// Adds the record whose body begins in `bytes` at `start` and is the last of them, and gives its hash.
    pub(crate) fn extend_by(&mut self, bytes: &mut Vec<u8>, start: usize) -> Hash {
        self.last = Hash::of_last_record(self.last, bytes, start);
        self.edge.push(self.last);
        self.last
    }

    /// Adds the record with this body.
    #[cfg(test)]
    pub(crate) fn extend(&mut self, body: &[u8]) {
        self.extend_by(&mut body.to_vec(), 0);
    }
}
