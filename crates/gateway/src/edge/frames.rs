//! What HTTP/2 says by itself, seen in the frames that go out: there is no other hook for it.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that every frame begins with (RFC 9113 section 4.1).
const HEAD_BYTES: usize = 9;
/// Bytes of an error code.
const CODE_BYTES: usize = 4;
/// A head with no more bytes than this holds a status alone. Answers of the door have an id too.
const BARE_BYTES: usize = 8;
/// So many streams with an answer under way are kept in mind. Streams that their caller reset are among
/// them, so they may be more than are open.
const ANSWERED_MAX: usize = 256;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;

/// The names of the error codes, by their number (RFC 9113 section 7).
const CODES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// What HTTP/2 refuses by itself: no surface gets to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// The head of a request is too large: it was answered with 431.
    TooLarge,
    /// A stream that nothing was answered on, with its error code.
    Stream(u32),
    /// The connection, with its error code.
    Connection(u32),
}

/// The name of an error code.
pub(super) fn code_name(code: u32) -> &'static str {
    let index = usize::try_from(code).unwrap_or(usize::MAX);
    CODES.get(index).copied().unwrap_or("an unknown error")
}

/// A connection of HTTP/2 that tells what the protocol refuses by itself, before that goes out.
#[derive(Debug)]
pub(super) struct Watched<S, F> {
    stream: S,
    tell: F,
    frames: Frames,
    /// So many of the bytes that are to go out next were seen already.
    seen: usize,
}

impl<S, F: FnMut(Own)> Watched<S, F> {
    pub(super) fn new(stream: S, tell: F) -> Self {
        Self { stream, tell, frames: Frames::default(), seen: 0 }
    }

    fn look(&mut self, parts: &[IoSlice<'_>]) {
        let (mut known, mut total) = (self.seen, 0_usize);
        for part in parts {
            self.frames.see(part.get(known..).unwrap_or_default(), &mut self.tell);
            known = known.saturating_sub(part.len());
            total = total.saturating_add(part.len());
        }
        self.seen = self.seen.max(total);
    }

    fn pass(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let written = ready!(written);
        self.seen = self.seen.saturating_sub(*written.as_ref().unwrap_or(&0));
        Poll::Ready(written)
    }
}

/// Frames as they go out.
#[derive(Debug, Default)]
struct Frames {
    /// The beginning of a frame, as far as it is there.
    head: Vec<u8>,
    /// So many bytes are left of the frame before.
    rest: usize,
    /// Streams whose answer has begun and not ended.
    answered: VecDeque<u32>,
}

/// What matters of a frame.
struct Head {
    kind: u8,
    is_end: bool,
    stream: u32,
    /// How long what it carries is, and how much of that is still to come.
    length: usize,
    rest: usize,
    /// The error code, where it has one.
    code: u32,
}

impl Head {
    /// Reads the beginning of a frame; none where it is not whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, behind) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [long, middle, short, kind, flags, stream @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes([0, long, middle, short])).ok()?;
        let code = match kind {
            RST_STREAM => Some(behind),
            GOAWAY => Some(behind.get(CODE_BYTES..)?),
            _ => None,
        };
        let code = match code {
            Some(code) => u32::from_be_bytes(*code.first_chunk()?),
            None => 0,
        };
        let (is_end, stream) = (flags & END_STREAM != 0, u32::from_be_bytes(stream));
        let rest = length.saturating_sub(behind.len());
        Some(Self { kind, is_end, stream, length, rest, code })
    }
}

impl Frames {
    /// Takes the bytes that go out next.
    fn see(&mut self, mut bytes: &[u8], tell: &mut impl FnMut(Own)) {
        loop {
            let passed = self.rest.min(bytes.len());
            self.rest = self.rest.saturating_sub(passed);
            let Some((first, behind)) = bytes.get(passed..).and_then(<[u8]>::split_first) else {
                return;
            };
            self.head.push(*first);
            bytes = behind;
            if let Some(head) = Head::read(&self.head) {
                self.head.clear();
                self.rest = head.rest;
                self.own(&head).into_iter().for_each(&mut *tell);
            }
        }
    }

    /// What the protocol itself says with this frame.
    fn own(&mut self, head: &Head) -> Option<Own> {
        match head.kind {
            GOAWAY if head.code > 0 => Some(Own::Connection(head.code)),
            // Behind an answer that broke off: its call has a record, and so has the end.
            RST_STREAM if self.end(head.stream) || head.code == 0 => None,
            RST_STREAM => Some(Own::Stream(head.code)),
            DATA if head.is_end => {
                self.end(head.stream);
                None
            }
            HEADERS if head.is_end => {
                let is_bare = !self.end(head.stream) && head.length <= BARE_BYTES;
                // Where more of that request comes, a reset follows.
                is_bare.then(|| self.begin(head.stream)).map(|()| Own::TooLarge)
            }
            HEADERS => {
                self.begin(head.stream);
                None
            }
            _ => None,
        }
    }

    fn begin(&mut self, stream: u32) {
        if self.answered.len() >= ANSWERED_MAX {
            self.answered.pop_front();
        }
        self.answered.push_back(stream);
    }

    /// Forgets a stream; says whether its answer was under way.
    fn end(&mut self, stream: u32) -> bool {
        let found = self.answered.iter().position(|it| *it == stream);
        found.and_then(|it| self.answered.remove(it)).is_some()
    }
}

impl<S: AsyncRead + Unpin, F: Unpin> AsyncRead for Watched<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, F: FnMut(Own) + Unpin> AsyncWrite for Watched<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.look(&[IoSlice::new(bytes)]);
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pass(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.look(buffers);
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.pass(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// What is told of these frames, whatever pieces they come in.
    fn check(frames: &[Vec<u8>], want: &[Own]) {
        let bytes = frames.concat();
        for size in [1, 2, 7, 9, 13, bytes.len()] {
            let (mut state, mut told) = (Frames::default(), Vec::new());
            bytes.chunks(size).for_each(|it| state.see(it, &mut |it| told.push(it)));
            assert_eq!(told, want, "in pieces of {size}");
        }
    }

    #[test]
    fn what_the_protocol_says_by_itself_is_told_and_answers_are_not() {
        let code = |it: u32| it.to_be_bytes();
        let away = |it: u32| [code(7), code(it)].concat();
        let settings = frame(4, 0, 0, &[0; 12]);
        let head = frame(HEADERS, 4, 1, &[7; 40]);
        let (data, end) = (frame(DATA, 0, 1, &[0; 99]), frame(DATA, END_STREAM, 1, b"x"));
        check(&[settings.clone(), head.clone(), data.clone(), end], &[]);
        // Trailers are as short as a bare status.
        let trailers = frame(HEADERS, 4 | END_STREAM, 1, &[0xbe]);
        check(&[head.clone(), data.clone(), trailers.clone()], &[]);
        check(&[trailers.clone(), frame(RST_STREAM, 0, 1, &code(1))], &[Own::TooLarge]);
        check(&[frame(HEADERS, 4 | END_STREAM, 1, &[7; 40])], &[]);
        check(&[settings, frame(RST_STREAM, 0, 3, &code(1))], &[Own::Stream(1)]);
        // An answer that breaks off, and one that needed no more of its request.
        check(&[head.clone(), data, frame(RST_STREAM, 0, 1, &code(8))], &[]);
        check(&[frame(RST_STREAM, 0, 1, &code(0))], &[]);
        check(&[head, frame(RST_STREAM, 0, 3, &code(7))], &[Own::Stream(7)]);
        check(&[frame(GOAWAY, 0, 0, &[&away(11)[..], b"why"].concat())], &[Own::Connection(11)]);
        check(&[frame(GOAWAY, 0, 0, &away(0)), trailers], &[Own::TooLarge]);
    }

    #[test]
    fn no_number_of_streams_is_too_many_to_keep_in_mind() {
        let mut state = Frames::default();
        for stream in 0..10_000 {
            state.see(&frame(HEADERS, 4, stream, &[7; 40]), &mut |_| {});
        }
        assert_eq!(state.answered.len(), ANSWERED_MAX);
    }

    #[test]
    fn codes_have_the_names_that_the_standard_gives_them() {
        let names = [(0, "NO_ERROR"), (7, "REFUSED_STREAM"), (11, "ENHANCE_YOUR_CALM")];
        for (code, want) in names.into_iter().chain([(14, "an unknown error")]) {
            assert_eq!(code_name(code), want);
        }
    }

    // What a socket does not take at once is offered again.
    #[tokio::test]
    async fn what_is_offered_again_is_told_once() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let (mut reader, stream) = tokio::io::duplex(16);
        let mut told = Vec::new();
        let reset = frame(RST_STREAM, 0, 3, &1_u32.to_be_bytes());
        let bytes = [frame(4, 0, 0, &[0; 90]), reset.clone(), reset].concat();
        let mut watched = Watched::new(stream, |it| told.push(it));
        let mut read = Vec::new();
        let write = async {
            watched.write_all(&bytes).await.unwrap();
            watched.shutdown().await.unwrap();
        };
        tokio::join!(write, async { reader.read_to_end(&mut read).await.unwrap() });
        assert_eq!((read, told), (bytes, vec![Own::Stream(1); 2]));
    }
}
