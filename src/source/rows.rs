//! One scan under way: pages in, batches out.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use futures::stream::{self, BoxStream, StreamExt as _};

use super::Error;
use super::nested::{self, unnest};
use super::seen::{Seen, Trouble, fingerprints};
use super::shape::Shape;
use crate::catalog::Scan;
use crate::clock::Instant;
use crate::decode::{self, Counts, Decoder, OnMismatch};
use crate::graph::{self, Flaw, Graph, Meter, Page};
use crate::limits::source as limits;

/// A scan under way.
pub struct Rows {
    table: String,
    pages: BoxStream<'static, Result<Page, graph::Error>>,
    decoder: Decoder,
    settings: decode::Settings,
    meter: Arc<Meter>,
    /// What the decoder had counted when the meter was told last.
    told: Counts,
    shape: Shape,
    seen: Seen,
    /// Of the rows that the decoder holds or has in `ready`: how many came from one page, and
    /// whether they may come again.
    runs: VecDeque<(u64, bool)>,
    ready: VecDeque<RecordBatch>,
    page: u64,
    /// How many rows the limit leaves.
    left: u64,
    /// Whether whoever asked may stop after a few rows, which then must not wait for others.
    few: bool,
    ended: bool,
}

impl Rows {
    /// Prepares the scan; nothing is sent before the first page is pulled.
    pub fn start(
        graph: &Graph,
        scan: Scan,
        deadline: Instant,
        meter: Arc<Meter>,
        on_mismatch: OnMismatch,
    ) -> Result<Self, Error> {
        let table = scan.table.name.to_string();
        let shape = Shape::new(&scan);
        let key = scan.table.key.clone();
        let settings = decode::Settings { on_mismatch, key, ..decode::Settings::default() };
        // The rows around nested ones are their parents', of which no more is wanted than the key.
        let outer = match shape.navigation {
            Some(_) => decode::Settings::default(),
            None => settings.clone(),
        };
        let decoder = Decoder::new(&shape.outer(), outer).map_err(|source| Error::Decode {
            table: table.clone(),
            page: 0,
            source,
        })?;
        Ok(Rows {
            table,
            left: scan.limit.unwrap_or(u64::MAX),
            few: scan.enough.is_some(),
            pages: graph.scan(&scan, Some(deadline), meter.clone())?.boxed(),
            decoder,
            settings,
            meter,
            told: Counts::default(),
            shape,
            seen: Seen::default(),
            runs: VecDeque::new(),
            ready: VecDeque::new(),
            page: 0,
            ended: false,
        })
    }

    /// The batches of the scan; the stream ends after its first error.
    pub fn batches(started: Result<Self, Error>) -> BoxStream<'static, Result<RecordBatch, Error>> {
        match started {
            Ok(rows) => stream::unfold(Some(rows), |rows| async move {
                let mut rows = rows?;
                match rows.next().await {
                    Ok(Some(batch)) => Some((Ok(batch), Some(rows))),
                    Ok(None) => None,
                    Err(error) => Some((Err(error), None)),
                }
            })
            .boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            while let Some(batch) = self.ready.pop_front() {
                let batch = self.settle(batch)?;
                if batch.num_rows() > 0 {
                    return Ok(Some(batch));
                }
            }
            if self.ended || self.left == 0 {
                self.log_put_aside();
                return Ok(None);
            }
            match self.pages.next().await {
                Some(page) => self.take(page?).await?,
                None => {
                    self.ended = true;
                    let last = self.decoder.finish().map_err(|source| self.undecodable(source))?;
                    self.ready.extend(last);
                }
            }
        }
    }

    /// Decodes one page; one that proves to be none is asked for again.
    async fn take(&mut self, mut page: Page) -> Result<(), Error> {
        self.page += 1;
        if page.restarted {
            self.seen.restart().map_err(|trouble| self.forgetful(trouble))?;
        }
        let mut ready = Vec::new();
        let rows = loop {
            match self.decode(&page, &mut ready) {
                Ok(rows) => break rows,
                Err(Flaw::Rows(source)) if !source.is_of_bytes() => {
                    return Err(self.undecodable(source));
                }
                Err(flaw) => {
                    self.decoder.take_back(&mut ready);
                    self.ready.extend(ready.drain(..));
                    page = page.again(flaw).await?;
                }
            }
        };
        let counts = self.decoder.counts();
        self.meter.put_aside(counts.put_aside - self.told.put_aside);
        self.meter.duplicate_members(counts.duplicate_members - self.told.duplicate_members);
        self.told = counts;
        self.runs.push_back((rows, !page.sole));
        self.ready.extend(ready);
        // A limit smaller than the first batch must not wait for that batch to fill. How many rows
        // parents hold is not known before they are decoded.
        let limited = self.left < u64::MAX;
        let enough = self.shape.navigation.is_some() || self.held() >= self.left;
        if (self.few || limited && enough) && self.ready.is_empty() {
            let held = self.decoder.flush().map_err(|source| self.undecodable(source))?;
            self.ready.extend(held);
        }
        Ok(())
    }

    /// The rows of a page: how many they are, each with its key.
    fn decode(&mut self, page: &Page, ready: &mut Vec<RecordBatch>) -> Result<u64, Flaw> {
        let before = self.decoder.rows();
        let parent = page.parent.as_deref();
        let pushed = self.decoder.push(&page.body, page.rows_at, parent, ready);
        let end = pushed.map_err(Flaw::Rows)?;
        let keyless = self.shape.outer_key().iter().any(|column| {
            ready.iter().any(|batch| batch.column(*column).null_count() > 0)
                || self.decoder.holds_null(*column)
        });
        if keyless {
            return Err(Flaw::NoKey);
        }
        let rows = self.decoder.rows() - before;
        page.close(end, rows)?;
        Ok(rows)
    }

    /// Rows that the decoder has and no batch has yet.
    fn held(&self) -> u64 {
        self.runs.iter().map(|(rows, _)| rows).sum()
    }

    /// Makes the answer's batch of a decoded one: nested rows taken out, known rows left out, the
    /// limit kept.
    fn settle(&mut self, decoded: RecordBatch) -> Result<RecordBatch, Error> {
        let may_repeat = self.may_repeat(decoded.num_rows());
        let mut batch = decoded;
        if self.shape.navigation.is_some() {
            let unnested = unnest(&batch, &self.shape, &self.settings);
            let (rows, counts) = unnested.map_err(|trouble| match trouble {
                nested::Trouble::Decode(source) => self.undecodable(source),
                nested::Trouble::Shape(source) => self.misshapen(source),
            })?;
            self.meter.put_aside(counts.put_aside);
            self.meter.duplicate_members(counts.duplicate_members);
            batch = rows;
        }
        let key: Vec<ArrayRef> =
            self.shape.key.iter().map(|column| batch.column(*column).clone()).collect();
        // Of nested rows it is not known which page they came from; all may come again.
        let whole = may_repeat.len() == batch.num_rows();
        let may_repeat = may_repeat.into_iter().chain(std::iter::repeat(true));
        let may_repeat = may_repeat.map(|repeats| repeats || !whole);
        let prints = fingerprints(&key, batch.num_rows());
        let new = self.seen.sift(&prints, may_repeat).map_err(|trouble| self.forgetful(trouble))?;
        let answer = self.cut(&batch, &new).map_err(|source| self.misshapen(source))?;
        if self.left < u64::MAX {
            self.left -= answer.num_rows() as u64;
        }
        Ok(answer)
    }

    fn cut(&self, batch: &RecordBatch, new: &BooleanArray) -> Result<RecordBatch, ArrowError> {
        let answer = self.shape.answer(batch)?;
        let answer = match new.has_false() {
            true => filter_record_batch(&answer, new)?,
            false => answer,
        };
        let rows = usize::try_from(self.left).unwrap_or(usize::MAX).min(answer.num_rows());
        Ok(if rows < answer.num_rows() { answer.slice(0, rows) } else { answer })
    }

    /// Takes the runs of the next `rows` rows: of each row, whether it may come again.
    fn may_repeat(&mut self, rows: usize) -> Vec<bool> {
        let mut flags = Vec::with_capacity(rows);
        while flags.len() < rows {
            let Some((run, repeats)) = self.runs.front_mut() else { break };
            let taken = usize::try_from(*run).unwrap_or(usize::MAX).min(rows - flags.len());
            flags.resize(flags.len() + taken, *repeats);
            *run -= taken as u64;
            if *run == 0 {
                self.runs.pop_front();
            }
        }
        flags
    }

    /// Says which columns had values of another type, and how many.
    fn log_put_aside(&self) {
        let schema = self.decoder.schema();
        let counts = self.decoder.mismatches();
        for (field, cells) in schema.fields().iter().zip(counts).filter(|(_, cells)| *cells != 0) {
            tracing::warn!(
                table = self.table,
                column = field.name(),
                cells,
                "values of another type are null, and stand in `_extra`"
            );
        }
    }

    fn undecodable(&self, source: decode::Error) -> Error {
        Error::Decode { table: self.table.clone(), page: self.page, source }
    }

    fn misshapen(&self, source: ArrowError) -> Error {
        Error::Shape { table: self.table.clone(), source }
    }

    fn forgetful(&self, trouble: Trouble) -> Error {
        let table = self.table.clone();
        match trouble {
            Trouble::Disk(source) => Error::Note { table, source },
            Trouble::TooMany => Error::TooMuchSeen { table, rows: limits::SEEN_MAX },
        }
    }
}
