//! The tree of merges.

/// A merge of two clusters. Points have the numbers below n, the i-th merge has n + i, as in SciPy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merge {
    /// The smaller number.
    pub a: u32,
    /// The larger number.
    pub b: u32,
    /// The distance of the two.
    pub height: f64,
    /// Points of both together.
    pub size: u32,
}

/// Merges from the lowest to the highest.
#[derive(Debug, Clone, PartialEq)]
pub struct Dendrogram {
    points: usize,
    merges: Vec<Merge>,
}

/// The last merges. See [`Dendrogram::top`].
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// The leaf of each point.
    pub leaves: Vec<u32>,
    /// Leaves have the numbers below their count, the i-th merge has that count + i.
    pub merges: Vec<Merge>,
}

impl Dendrogram {
    /// Orders merges of (a point of one cluster, a point of the other, distance).
    pub(super) fn new(points: usize, mut merges: Vec<(u32, u32, f64)>) -> Self {
        merges.sort_by(|a, b| a.2.total_cmp(&b.2));
        let mut sets = Sets::new(points);
        let merges = merges
            .into_iter()
            .enumerate()
            .map(|(at, (a, b, height))| {
                let (x, y) = (sets.root(a), sets.root(b));
                let ([a, b], size) = ([x, y].map(|root| sets.names[root as usize]), sets.join(x, y));
                let root = sets.root(x);
                sets.names[root as usize] = (points + at) as u32;
                Merge { a: a.min(b), b: a.max(b), height, size }
            })
            .collect();
        Self { points, merges }
    }

    /// The merges, lowest first.
    #[must_use]
    pub fn merges(&self) -> &[Merge] {
        &self.merges
    }

    /// The clusters when `k` are left (or as many as there are points), numbered by their first point.
    #[must_use]
    pub fn cut(&self, k: usize) -> Vec<u32> {
        self.after(self.points.saturating_sub(k.max(1)))
    }

    /// The clusters when no two of them are at most `height` apart, numbered by their first point.
    #[must_use]
    pub fn cut_at(&self, height: f64) -> Vec<u32> {
        self.after(self.merges.partition_point(|merge| merge.height <= height))
    }

    /// The merges from `leaves` clusters on (or from as many as there are points), with the clusters as leaves, numbered as by
    /// [`Dendrogram::cut`].
    #[must_use]
    pub fn top(&self, leaves: usize) -> Top {
        let leaves = leaves.clamp(1, self.points.max(1));
        let below = self.points.saturating_sub(leaves);
        let of = self.cut(leaves);
        let number = |node: u32| {
            let mut node = node as usize;
            if node >= self.points + below {
                return (node - self.points - below + leaves) as u32;
            }
            // Any of its points tells which leaf it is.
            while let Some(merge) = node.checked_sub(self.points).and_then(|at| self.merges.get(at)) {
                node = merge.a as usize;
            }
            of.get(node).copied().unwrap_or(0)
        };
        let merges = self.merges.iter().skip(below);
        let merges = merges.map(|merge| {
            let (a, b) = (number(merge.a), number(merge.b));
            Merge { a: a.min(b), b: a.max(b), ..*merge }
        });
        Top { merges: merges.collect(), leaves: of }
    }

    fn after(&self, merges: usize) -> Vec<u32> {
        let mut sets = Sets::new(self.points);
        // A point of each merge, to find its set by.
        let mut inside: Vec<u32> = Vec::with_capacity(merges);
        for merge in self.merges.iter().take(merges) {
            let of = |number: u32, inside: &[u32]| match (number as usize).checked_sub(self.points) {
                Some(at) => inside[at],
                None => number,
            };
            let (x, y) = (of(merge.a, &inside), of(merge.b, &inside));
            let (x, y) = (sets.root(x), sets.root(y));
            sets.join(x, y);
            inside.push(x);
        }
        let mut numbers = vec![u32::MAX; self.points];
        let mut next = 0;
        (0..self.points as u32)
            .map(|point| {
                let number = &mut numbers[sets.root(point) as usize];
                if *number == u32::MAX {
                    *number = next;
                    next += 1;
                }
                *number
            })
            .collect()
    }
}

struct Sets {
    roots: Vec<u32>,
    sizes: Vec<u32>,
    names: Vec<u32>,
}

impl Sets {
    fn new(points: usize) -> Self {
        let own: Vec<u32> = (0..points as u32).collect();
        Self { roots: own.clone(), sizes: vec![1; points], names: own }
    }

    fn root(&mut self, mut at: u32) -> u32 {
        while self.roots[at as usize] != at {
            self.roots[at as usize] = self.roots[self.roots[at as usize] as usize];
            at = self.roots[at as usize];
        }
        at
    }

    fn join(&mut self, x: u32, y: u32) -> u32 {
        let size = self.sizes[x as usize] + self.sizes[y as usize];
        let (large, small) = if self.sizes[x as usize] < self.sizes[y as usize] { (y, x) } else { (x, y) };
        self.roots[small as usize] = large;
        self.sizes[large as usize] = size;
        size
    }
}
