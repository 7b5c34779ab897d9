//! What a link and the parts that hyper holds of it tell each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// How many bytes may come before the head of an answer is whole: heads of 1xx answers, which hyper skips
/// without end, the head itself, and what follows it in the same reads.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
const UNBOUNDED: usize = usize::MAX;

/// Counters of one link. They publish nothing else, so their order towards other memory does not matter.
#[derive(Debug)]
pub(crate) struct Traffic {
    head_bytes_left: AtomicUsize,
    is_uploading: AtomicBool,
    is_waiting_for_client: AtomicBool,
    uploaded_frames: AtomicUsize,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self {
            head_bytes_left: AtomicUsize::new(UNBOUNDED),
            is_uploading: AtomicBool::new(false),
            is_waiting_for_client: AtomicBool::new(false),
            uploaded_frames: AtomicUsize::new(0),
        }
    }

    /// From now on what is read belongs to the head of an answer.
    pub(crate) fn begin_head(&self) {
        self.head_bytes_left.store(HEAD_BYTES_MAX, Relaxed);
    }

    /// The head is whole: what is read from now on is bounded by whoever reads it.
    pub(crate) fn end_head(&self) {
        self.head_bytes_left.store(UNBOUNDED, Relaxed);
    }

    /// Counts bytes that were read; false where they are too many for a head.
    pub(crate) fn read(&self, bytes: usize) -> bool {
        match self.head_bytes_left.load(Relaxed) {
            UNBOUNDED => true,
            left => match left.checked_sub(bytes) {
                Some(left) => {
                    self.head_bytes_left.store(left, Relaxed);
                    true
                }
                None => false,
            },
        }
    }

    pub(crate) fn begin_upload(&self) {
        self.is_waiting_for_client.store(false, Relaxed);
        self.is_uploading.store(true, Relaxed);
    }

    pub(crate) fn end_upload(&self) {
        self.is_uploading.store(false, Relaxed);
    }

    /// Counts a look at the client's body: a frame, or none yet.
    pub(crate) fn uploaded(&self, is_waiting_for_client: bool) {
        self.is_waiting_for_client.store(is_waiting_for_client, Relaxed);
        if !is_waiting_for_client {
            self.uploaded_frames.fetch_add(1, Relaxed);
        }
    }

    /// Whether a streamed request body is still on its way.
    pub(crate) fn is_uploading(&self) -> bool {
        self.is_uploading.load(Relaxed)
    }

    /// Whether the upload waits for the client, and not for the upstream.
    pub(crate) fn is_waiting_for_client(&self) -> bool {
        self.is_waiting_for_client.load(Relaxed)
    }

    /// Grows as the upload goes on.
    pub(crate) fn uploaded_frames(&self) -> usize {
        self.uploaded_frames.load(Relaxed)
    }
}
