/// Capacity of the highest level.
const WIDTH: usize = 4096;

/// Each level holds this share of the one above it, but at least [`NARROWEST`] values.
const SHRINK: f64 = 2.0 / 3.0;

/// Capacity of the lowest levels.
const NARROWEST: usize = 8;

/// How far a rank is off at most, as a share of all values, with a confidence of 99 %: 2.296 / width^0.9021, the fit that the
/// Apache DataSketches library publishes for sketches with these proportions. The tests of this folder measure it.
pub(super) const RANK_ERROR: f64 = 0.001_265;

/// A KLL sketch: level `h` holds values that stand for 2ʰ values each.
///
/// A full level is sorted, every second value moves up with twice its weight, and a coin decides whether those are the ones at
/// even or at odd places. The coin is a generator with a fixed seed, so equal input gives an equal sketch.
#[derive(Debug, Clone)]
pub(super) struct Kll {
    levels: Vec<Vec<f64>>,
    /// Values kept now and at most.
    size: usize,
    capacity: usize,
    count: u64,
    coin: u64,
}

impl Kll {
    pub(super) fn new() -> Self {
        let mut sketch = Self { levels: Vec::new(), size: 0, capacity: 0, count: 0, coin: 0x9e37_79b9_7f4a_7c15 };
        sketch.grow();
        sketch
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Adds one value, which must not be NaN.
    pub(super) fn push(&mut self, value: f64) {
        self.levels[0].push(value);
        self.size += 1;
        self.count += 1;
        if self.size > self.capacity {
            self.compress();
        }
    }

    /// Adds one value as if it were pushed `times` times: it stands on the levels that the binary digits of `times` name.
    pub(super) fn push_times(&mut self, value: f64, times: u64) {
        for height in (0..u64::BITS as usize).filter(|height| times >> height & 1 == 1) {
            while self.levels.len() <= height {
                self.grow();
            }
            self.levels[height].push(value);
            self.size += 1;
        }
        self.count += times;
        while self.size > self.capacity {
            self.compress();
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        while self.levels.len() < other.levels.len() {
            self.grow();
        }
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            level.extend_from_slice(more);
        }
        self.size += other.size;
        self.count += other.count;
        while self.size > self.capacity {
            self.compress();
        }
    }

    /// The kept values, each with the number of values that it stands for, in no order.
    pub(super) fn weighted(&self) -> Vec<(f64, u64)> {
        let levels = self.levels.iter().enumerate();
        levels.flat_map(|(height, level)| level.iter().map(move |&value| (value, 1_u64 << height))).collect()
    }

    /// Adds a level on top, which makes all others narrower.
    fn grow(&mut self) {
        self.levels.push(Vec::new());
        self.capacity = (0..self.levels.len()).map(|height| self.width(height)).sum();
    }

    fn width(&self, height: usize) -> usize {
        let below_top = (self.levels.len() - 1 - height) as i32;
        ((WIDTH as f64 * SHRINK.powi(below_top)).ceil() as usize).max(NARROWEST)
    }

    /// Halves the lowest level that is full. There is one whenever the sketch is larger than its capacity.
    fn compress(&mut self) {
        let Some(height) = (0..self.levels.len()).find(|&height| self.levels[height].len() >= self.width(height))
        else {
            return;
        };
        if height + 1 == self.levels.len() {
            self.grow();
        }
        let mut level = std::mem::take(&mut self.levels[height]);
        level.sort_unstable_by(f64::total_cmp);
        // An odd value stays where it is, so that the weights still add up to the count.
        let rest = if level.len() % 2 == 1 { level.pop() } else { None };
        let odd = usize::from(self.flip());
        self.levels[height + 1].extend(level.iter().skip(odd).step_by(2));
        self.size -= level.len() / 2;
        level.clear();
        level.extend(rest);
        self.levels[height] = level;
    }

    /// The next toss, by xorshift64 (Marsaglia 2003).
    fn flip(&mut self) -> bool {
        self.coin ^= self.coin << 13;
        self.coin ^= self.coin >> 7;
        self.coin ^= self.coin << 17;
        self.coin >> 63 == 1
    }
}
