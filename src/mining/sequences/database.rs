/// Sequences of events, each a number of the caller's choice below 2³¹.
///
/// Events are pushed in order: [`begin`](Self::begin) a sequence, [`element`](Self::element) of it, [`event`](Self::event) of that.
/// Memory: 8 bytes an event, 16 with times.
#[derive(Debug, Clone, Default)]
pub struct Sequences {
    /// Events by sequence and element; ascending and different within an element once the next begins.
    pub(super) events: Vec<u32>,
    /// For each event the number of its element in its sequence.
    pub(super) elements: Vec<u32>,
    /// For each event its time, ascending within a sequence; none when distances are counted in elements.
    pub(super) times: Option<Vec<i64>>,
    /// Where each sequence ends among the events.
    ends: Vec<usize>,
    open_element: usize,
    next_element: u32,
    time: i64,
}

impl Sequences {
    /// No sequences; distances are counted in elements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No sequences; distances are counted in the time of the elements.
    #[must_use]
    pub fn timed() -> Self {
        Self { times: Some(Vec::new()), ..Self::default() }
    }

    /// Adds a sequence of single events, at the times 0, 1, 2, ..
    pub fn push(&mut self, events: &[u32]) {
        self.begin();
        for (time, event) in (0..).zip(events) {
            self.element(time);
            self.event(*event);
        }
    }

    /// Begins a sequence.
    pub fn begin(&mut self) {
        self.close_element();
        self.ends.push(self.events.len());
        self.next_element = 0;
        self.time = i64::MIN;
    }

    /// Begins an element of the current sequence. A time before that of the element above counts as the same.
    pub fn element(&mut self, time: i64) {
        self.close_element();
        self.time = time.max(self.time);
        self.next_element = self.next_element.saturating_add(1);
    }

    /// Adds an event to the current element; the same event twice counts once.
    pub fn event(&mut self, event: u32) {
        self.events.push(event);
        self.elements.push(self.next_element.saturating_sub(1));
        if let Some(times) = &mut self.times {
            times.push(self.time);
        }
        if let Some(end) = self.ends.last_mut() {
            *end = self.events.len();
        }
    }

    fn close_element(&mut self) {
        let open = self.open_element;
        if self.events.len() > open + 1 {
            if let Some(element) = self.events.get_mut(open..) {
                element.sort_unstable();
            }
            let mut kept = open + 1;
            for at in open + 1..self.events.len() {
                if self.events[at] != self.events[kept - 1] {
                    self.events[kept] = self.events[at];
                    kept += 1;
                }
            }
            // All events of an element have the same element and time, so the tails may go.
            self.events.truncate(kept);
            self.elements.truncate(kept);
            if let Some(times) = &mut self.times {
                times.truncate(kept);
            }
            if let Some(end) = self.ends.last_mut() {
                *end = kept;
            }
        }
        self.open_element = self.events.len();
    }

    /// Ends the last element. Reading does not need it to be called, but memory is exact afterwards.
    pub fn finish(&mut self) {
        self.close_element();
    }

    /// Number of sequences, empty ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no sequence.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Number of events.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// The events of each sequence, as a range of all.
    pub(super) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| start..end)
    }

    /// Number of events of each sequence.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.ranges().map(|range| range.len())
    }
}
