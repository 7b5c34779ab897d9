//! Goes over a log for one page, and stops where its work is bounded.

use std::{
    io::{self, ErrorKind},
    ops::{ControlFlow, Range},
};

use super::{
    Order, Page, Question,
    filter::{Line, Sieve},
};
use crate::{
    Index,
    index::{Block, Body, Looked, Span, Unit},
    packed::Places,
};

/// So much of the log is read for a page. A test comes to the bounds with few lines.
const READ_BYTES: u64 = if cfg!(test) { 8 << 10 } else { 64 << 20 };
/// So much of the log is put into the index for a page.
const MAKE_BYTES: u64 = if cfg!(test) { 8 << 10 } else { 128 << 20 };
/// So many parts of the index are looked at for a page.
const PARTS: u64 = if cfg!(test) { 3 } else { 2000 };
/// So many bytes of records are on a page, where it is more than one.
const ANSWER_BYTES: u64 = if cfg!(test) { 4 << 10 } else { 8 << 20 };
/// Where one of so many lines is wanted, all of them are read at once.
const DENSE: usize = 8;

/// One page of the answer.
pub(super) fn walk(index: &Index, question: &Question) -> io::Result<Page> {
    let mut spans = index.spans(question.reached)?;
    let first = spans.first().map_or(0, |it| it.segment.first);
    let range = match (question.order, question.cursor) {
        (_, None) => 0..u64::MAX,
        (Order::NewestFirst, Some(cursor)) => 0..cursor,
        (Order::OldestFirst, Some(cursor)) => cursor..u64::MAX,
    };
    if question.order == Order::NewestFirst {
        spans.reverse();
    }
    let mut walk = Walk {
        index,
        question,
        sieve: Sieve::new(&question.filter),
        room: Room { read: READ_BYTES, make: MAKE_BYTES, parts: PARTS, answer: ANSWER_BYTES },
        page: Page::default(),
    };
    for span in spans.iter().filter(|it| it.segment.first < range.end && range.start < it.limit) {
        if let ControlFlow::Break(next) = walk.segment(span, &range)? {
            walk.page.next = Some(next).filter(|it| question.is_beyond(*it, first));
            break;
        }
    }
    let known = question.cursor.unwrap_or(0).min(question.reached);
    walk.page.reached = match question.reached {
        u64::MAX => walk.page.reached.max(known),
        reached => reached,
    };
    Ok(walk.page)
}

/// What may still be done for a page.
#[derive(Debug)]
struct Room {
    read: u64,
    make: u64,
    parts: u64,
    answer: u64,
}

/// A page in the making.
struct Walk<'a> {
    index: &'a Index,
    question: &'a Question,
    sieve: Sieve<'a>,
    room: Room,
    page: Page,
}

/// Goes on, or ends the page: then the next one goes on at this number.
type Step = ControlFlow<u64>;

impl Question {
    /// Where a page ends that has come to these records and has none of them.
    fn before(&self, numbers: &Range<u64>) -> u64 {
        match self.order {
            Order::NewestFirst => numbers.end,
            Order::OldestFirst => numbers.start,
        }
    }

    /// Whether there are records beyond a place, where `first` is the first of all.
    fn is_beyond(&self, next: u64, first: u64) -> bool {
        match self.order {
            Order::NewestFirst => next > first,
            Order::OldestFirst => next < self.reached,
        }
    }

    fn ordered<T>(&self, mut items: Vec<T>) -> Vec<T> {
        if self.order == Order::NewestFirst {
            items.reverse();
        }
        items
    }
}

impl Walk<'_> {
    fn segment(&mut self, span: &Span, range: &Range<u64>) -> io::Result<Step> {
        let here = range.start.max(span.segment.first)..range.end.min(span.limit);
        let units = match self.index.units(span, &mut self.room.make)? {
            Some(Looked::Whole(units)) => units,
            Some(Looked::Partly) => return Ok(Step::Break(self.question.before(&here))),
            // It was purged just now.
            None => return Ok(Step::Continue(())),
        };
        let file = match Places::open(&span.segment.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Step::Continue(())),
            other => other?,
        };
        let end = units.last().map_or(0, Unit::next);
        self.page.reached = self.page.reached.max(end);
        for unit in self.question.ordered(units) {
            let here = here.start.max(unit.first)..here.end.min(unit.next());
            if here.is_empty() {
                continue;
            }
            if self.room.parts == 0 {
                return Ok(Step::Break(self.question.before(&here)));
            }
            self.room.parts = self.room.parts.saturating_sub(1);
            let step = self.unit(span, (&file, &unit), &here)?;
            if step.is_break() {
                return Ok(step);
            }
        }
        Ok(Step::Continue(()))
    }

    fn unit(
        &mut self,
        span: &Span,
        (file, unit): (&Places, &Unit),
        here: &Range<u64>,
    ) -> io::Result<Step> {
        if unit.part.as_ref().is_some_and(|it| !it.overlaps(self.sieve.seconds)) {
            return Ok(Step::Continue(()));
        }
        let body = self.body(span, unit);
        let ordinal =
            |number: u64| u32::try_from(number.saturating_sub(unit.first)).unwrap_or(u32::MAX);
        let here = ordinal(here.start)..ordinal(here.end);
        let wanted = body.as_ref().and_then(|it| self.sieve.wanted(it, &here));
        // Without tables, or where they make no sense, all lines are looked at.
        let body = body.filter(|_| wanted.is_some());
        let wanted = wanted.unwrap_or_else(|| here.clone().collect());
        let is_dense = body.is_none() || wanted.len() > here.len().div_ceil(DENSE);
        let mut lines = Lines::new(file, unit, body.filter(|_| !is_dense));
        for ordinal in self.question.ordered(wanted) {
            let number = unit.first.saturating_add(u64::from(ordinal));
            if self.room.read == 0 || self.page.records.len() >= self.question.max {
                return Ok(Step::Break(self.question.before(&(number..number.saturating_add(1)))));
            }
            let line = lines.read(ordinal)?;
            if !self.take(line) {
                return Ok(Step::Break(self.question.before(&(number..number.saturating_add(1)))));
            }
        }
        Ok(Step::Continue(()))
    }

    fn body(&self, span: &Span, unit: &Unit) -> Option<Body> {
        let part = unit.part.as_ref()?;
        let body = part.body();
        if body.is_none() && part.has_body() {
            self.index.discard(span);
        }
        body
    }

    /// Looks at a line; whether there was room for it on the page.
    fn take(&mut self, line: &[u8]) -> bool {
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.room.read = self.room.read.saturating_sub(bytes.saturating_add(1));
        match self.sieve.look(line) {
            Line::Other => return true,
            Line::Broken => {}
            Line::Fits if bytes > self.room.answer && !self.page.records.is_empty() => {
                return false;
            }
            Line::Fits => {
                if let Ok(record) = serde_json::from_slice(line) {
                    self.room.answer = self.room.answer.saturating_sub(bytes);
                    self.page.records.push(record);
                    return true;
                }
            }
        }
        self.page.unreadable = self.page.unreadable.saturating_add(1);
        true
    }
}

/// Lines of a unit: all at once where most are wanted, or one at a time.
struct Lines<'a> {
    file: &'a Places,
    unit: &'a Unit,
    /// Where each line is; none where all are read at once.
    body: Option<Body>,
    block: Option<Block>,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn new(file: &'a Places, unit: &'a Unit, body: Option<Body>) -> Self {
        Self { file, unit, body, block: None, line: Vec::new() }
    }

    /// A line without its newline; an empty one where it is not there.
    fn read(&mut self, ordinal: u32) -> io::Result<&[u8]> {
        let Self { file, unit, body, block, line } = self;
        if let Some(body) = body {
            let span = body.span(ordinal).unwrap_or_default();
            let start = unit.start.saturating_add(span.start);
            *line = file.read_at(start, span.end.saturating_sub(span.start))?;
            return Ok(line.strip_suffix(b"\n").unwrap_or(line));
        }
        if block.is_none() {
            *block = Some(Block::read(file, unit.start, unit.end)?);
        }
        Ok(block.as_ref().and_then(|it| it.line(ordinal)).unwrap_or_default())
    }
}
