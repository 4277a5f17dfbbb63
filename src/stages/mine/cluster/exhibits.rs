//! What a person sees of clusters.

use nalgebra::DMatrix;

use super::learn::{ClusterWork, Found, MEASURED, drawn};
use super::options::{Method, Scale};
use super::plan::{MISSING, NOISE, POINT};
use super::profile::{Category, Profile};
use crate::chart::{Axis, ColourScale, Figure, Heatmap, LegendShow, Line, Mark, Positions, Reference, Scatter, Series};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::mining::clustering::quality;
use crate::stages::work::StageCounts;
use crate::statistics::clusters::Rule;
use crate::statistics::clusters::centres::Centres;
use crate::statistics::clusters::mixture::{Mixture, Whitening};

/// Clusters that are described at most.
const SHOWN: usize = 30;
/// Columns that tables and figures of columns have at most.
const COLUMNS: usize = 20;
/// Dots of a scatter.
const DOTS: usize = 3_000;
/// Columns up to which principal components are computed for a picture.
const PICTURED: usize = 300;

/// Puts the clusters of a rule in another order, of which their numbers are given; says how many there are. Clusters that are
/// not in it come last: a component can be no row's likeliest.
pub(super) fn in_order(rule: Rule, before: &[u32]) -> (Rule, usize) {
    let order = |k: usize| -> Vec<usize> {
        let mut order: Vec<usize> = before.iter().map(|at| *at as usize).collect();
        order.extend((0..k).filter(|at| !before.contains(&(*at as u32))));
        order
    };
    let parts = |values: &[f64], each: usize, order: &[usize]| -> Vec<f64> {
        let part = |at: &usize| values.get(at * each..(at + 1) * each).unwrap_or_default();
        order.iter().flat_map(part).copied().collect()
    };
    match rule {
        Rule::Centres(centres) => {
            let order = order(centres.len());
            let values = parts(&centres.values, centres.width, &order);
            (Rule::Centres(Centres { width: centres.width, values }), order.len())
        }
        Rule::Mixture(mixture) => {
            let (width, order) = (mixture.width, order(mixture.len()));
            let whitening = match &mixture.whitening {
                Whitening::Triangles(all) => Whitening::Triangles(parts(all, width * width, &order)),
                Whitening::Diagonals(all) => Whitening::Diagonals(parts(all, width, &order)),
            };
            let means = parts(&mixture.means, width, &order);
            let weights = parts(&mixture.weights, 1, &order);
            (Rule::Mixture(Mixture { width, weights, means, whitening }), order.len())
        }
        Rule::NearestRow(rows) => (Rule::NearestRow(rows.reordered(before)), before.len()),
    }
}

/// Everything that the exhibits are made of.
pub(super) struct Report<'a> {
    pub(super) work: &'a ClusterWork,
    pub(super) found: &'a Found,
    /// Of the rows in memory.
    pub(super) labels: &'a [Option<u32>],
    pub(super) profile: &'a Profile,
    pub(super) categories: &'a [(String, Vec<Vec<Category>>)],
    pub(super) learned_from: String,
    pub(super) has_centres: bool,
}

impl Report<'_> {
    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        let measured = Measured::new(self.found, self.labels, self.work.seed);
        let mut exhibits = vec![self.metrics(&measured)];
        exhibits.extend(self.curve());
        exhibits.push(self.clusters(&measured));
        exhibits.extend(self.heatmap());
        exhibits.extend(self.scatter());
        exhibits.push(self.means());
        exhibits.extend(self.found.figures.iter().cloned());
        exhibits.push(self.scales());
        exhibits
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = self.found.remarks.clone();
        let constant: Vec<String> = self
            .work
            .fields
            .iter()
            .zip(self.profile.effects(0))
            .filter(|(_, effect)| effect.is_none() && self.profile.rows() > 1 && !self.profile.sizes.is_empty())
            .map(|(field, _)| format!("`{}`", field.name))
            .collect();
        if !constant.is_empty() {
            let columns = constant.join(", ");
            remarks.push(format!("{columns} has one value in all rows and tells no clusters apart"));
        }
        if self.profile.sizes.is_empty() {
            remarks.push("no cluster was found: all rows are noise".to_owned());
        }
        remarks
    }

    fn metrics(&self, measured: &Measured) -> Exhibit {
        let profile = self.profile;
        let clustered: u64 = profile.sizes.iter().sum();
        let used = profile.sizes.iter().filter(|size| **size > 0).count();
        let mut metrics = vec![
            Metric::new("clusters", used as f64, Format::Integer),
            Metric::new("rows in clusters", clustered as f64, Format::Integer).note(self.learned_from.clone()),
        ];
        if self.found.says_noise {
            let share = profile.noise as f64 / profile.rows().max(1) as f64;
            let note = format!("{} of {}", digits::whole(profile.noise), digits::rows(profile.rows()));
            metrics.push(Metric::new("noise", share, Format::Percent).note(note));
        }
        if self.found.used.1 > 0 {
            let note = "a value is missing or infinite";
            metrics.push(Metric::new("rows left out", self.found.used.1 as f64, Format::Integer).note(note));
        }
        let note = |what: &str| match measured.drawn {
            true => format!("{what}; of {} drawn at random", digits::rows(measured.rows as u64)),
            false => what.to_owned(),
        };
        metrics.push(
            Metric::new("silhouette", measured.silhouette, Format::Number).note(note("from −1 to 1, higher is better")),
        );
        metrics.push(Metric::new("Davies-Bouldin", measured.davies_bouldin, Format::Number).note("lower is better"));
        metrics.push(
            Metric::new("Calinski-Harabasz", measured.calinski_harabasz, Format::Number).note("higher is better"),
        );
        if self.has_centres {
            let note = "sum of squared distances to the centres";
            metrics.push(Metric::new("inertia", profile.inertia, Format::Number).note(note));
        }
        metrics.extend(self.found.metrics.iter().cloned());
        let title = format!("Clusters by {}", self.work.method.name());
        Exhibit::Metrics { title, metrics }
    }

    fn curve(&self) -> Option<Exhibit> {
        let curve = self.found.curve.as_ref()?;
        if curve.points.len() < 2 {
            let text = format!("`k: auto` had one number to choose from: {}.", curve.chosen);
            return Some(Exhibit::note(Tone::Info, text));
        }
        let x = curve.points.iter().map(|(k, _)| Some(*k as f64)).collect();
        let values = curve.points.iter().map(|(_, value)| Some(*value));
        let line = Line::new(Positions::Number(x), vec![Series::new("", values)]);
        let mut figure = Figure::new(format!("{} clusters were chosen", curve.chosen), Mark::Line(line));
        figure.subtitle = format!("{} for each number of clusters", curve.measure);
        figure.x = Axis::labelled("clusters");
        figure.references.push(Reference::x(curve.chosen as f64, "chosen"));
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn clusters(&self, measured: &Measured) -> Exhibit {
        let profile = self.profile;
        let rows = profile.sizes.iter().enumerate().take(SHOWN).map(|(at, size)| {
            let mut row = vec![
                Cell::Number(at as f64 + 1.0),
                Cell::count(*size),
                Cell::number(*size as f64 / profile.rows().max(1) as f64),
                Cell::number(measured.of_clusters.get(at).copied().flatten()),
                Cell::text(self.words(at)),
            ];
            row.extend(self.categories.iter().map(|(_, clusters)| Cell::text(top(clusters.get(at)))));
            row
        });
        let mut rows: Vec<Vec<Cell>> = rows.collect();
        if self.found.says_noise && profile.noise > 0 {
            let mut row = vec![
                Cell::text("noise"),
                Cell::count(profile.noise),
                Cell::number(profile.noise as f64 / profile.rows().max(1) as f64),
                Cell::Empty,
                Cell::text("rows of no cluster"),
            ];
            row.extend(self.categories.iter().map(|_| Cell::Empty));
            rows.push(row);
        }
        let mut columns = vec![
            Column::formatted("cluster", Format::Integer),
            Column::formatted("rows", Format::Integer),
            Column::formatted("share", Format::Percent),
            Column::new("silhouette"),
            Column::new("what sets it apart from all rows"),
        ];
        columns.extend(self.categories.iter().map(|(name, _)| Column::new(name.clone())));
        let left_out = profile.sizes.len().saturating_sub(SHOWN);
        let mut note = "High and low are told in standard deviations (sd) of all rows; the number after a name is the cluster's mean.".to_owned();
        if !self.categories.is_empty() {
            note += " In brackets after a category is its share of all rows.";
        }
        if left_out > 0 {
            note += &format!(" {left_out} smaller clusters are not shown.");
        }
        Exhibit::Table(Table { title: "What is in the clusters".to_owned(), columns, rows, note: Some(note) })
    }

    /// `dep_delay very high (152, +3.1 sd), distance rather low (540, −0.6 sd)`
    fn words(&self, cluster: usize) -> String {
        if self.profile.sizes.get(cluster).is_none_or(|size| *size == 0) {
            return "no rows".to_owned();
        }
        let mut mean = self.profile.mean(cluster);
        self.found.scaling.invert(&mut mean);
        let effects = self.profile.effects(cluster);
        let named = self.work.fields.iter().zip(effects).zip(mean);
        let mut parts: Vec<(f64, String)> = named
            .filter_map(|((field, effect), mean)| {
                let effect = effect?;
                let strength = match effect.abs() {
                    size if size < 0.5 => return None,
                    size if size < 1.0 => "rather ",
                    size if size < 2.0 => "",
                    _ => "very ",
                };
                let side = if effect > 0.0 { "high" } else { "low" };
                let sign = if effect > 0.0 { "+" } else { "" };
                let sd = digits::fixed(effect, 1);
                Some((effect.abs(), format!("{} {strength}{side} ({}, {sign}{sd} sd)", field.name, written(mean))))
            })
            .collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let more = parts.len().saturating_sub(4);
        let mut text = parts.into_iter().take(4).map(|(_, text)| text).collect::<Vec<_>>().join("; ");
        if text.is_empty() {
            text = "near the mean in every column".to_owned();
        }
        if more > 0 {
            text += &format!("; and {more} more");
        }
        text
    }

    fn heatmap(&self) -> Option<Exhibit> {
        let k = self.profile.sizes.len();
        let width = self.work.fields.len();
        if !(2..=SHOWN).contains(&k) || !(2..=COLUMNS).contains(&width) {
            return None;
        }
        let values = (0..k).map(|at| self.profile.effects(at)).collect();
        let rows = (1..=k).map(|at| format!("cluster {at}"));
        let columns = self.work.fields.iter().map(|field| field.name.clone());
        let heatmap = Heatmap::new(
            rows.collect::<Vec<_>>(),
            columns.collect::<Vec<_>>(),
            values,
            ColourScale::Diverging { bound: None },
        );
        let mut figure =
            Figure::new("Where the means of the clusters differ from those of all rows", Mark::Heatmap(heatmap));
        figure.subtitle = "in standard deviations of all rows".to_owned();
        Some(Exhibit::Figure(Box::new(figure)))
    }

    /// The rows in memory at their first two principal components, or at their two columns.
    fn scatter(&self) -> Option<Exhibit> {
        let (found, width) = (self.found, self.found.width);
        if !(2..=PICTURED).contains(&width) || found.count() < 3 {
            return None;
        }
        let drawn = drawn(found.count(), DOTS, self.work.seed);
        let mut rows: Vec<Vec<f64>> =
            drawn.iter().map(|at| found.rows.get(at * width..(at + 1) * width).unwrap_or_default().to_vec()).collect();
        let (labels, subtitle) = if width == 2 {
            rows.iter_mut().for_each(|row| found.scaling.invert(row));
            let names = self.work.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
            (names, String::new())
        } else {
            let (directions, shares) = principal(&rows, width)?;
            for row in &mut rows {
                let along = |direction: &Vec<f64>| row.iter().zip(direction).map(|(a, b)| a * b).sum::<f64>();
                *row = directions.iter().map(along).collect();
            }
            let name = |at: usize| {
                format!("principal component {} ({} % of the variance)", at + 1, digits::fixed(shares[at] * 100.0, 0))
            };
            ((0..2).map(name).collect(), "in the plane in which they differ most".to_owned())
        };
        let [x, y] = [0, 1].map(|at| rows.iter().map(|row| row.get(at).copied()).collect::<Vec<_>>());
        let mut scatter = Scatter::new(Positions::Number(x), y);
        scatter.groups = (1..=self.profile.sizes.len()).map(|at| at.to_string()).collect();
        scatter.group = drawn.iter().map(|at| self.labels.get(*at).copied().flatten()).collect();
        if scatter.groups.is_empty() {
            scatter.group.clear();
        }
        let title = if drawn.len() < found.count() {
            format!("{} drawn at random, by cluster", digits::rows(drawn.len() as u64))
        } else {
            "The rows by cluster".to_owned()
        };
        let mut figure = Figure::new(title, Mark::Scatter(scatter));
        figure.subtitle = subtitle;
        let mut labels = labels.into_iter();
        figure.x = Axis::labelled(labels.next().unwrap_or_default());
        figure.y = Axis::labelled(labels.next().unwrap_or_default());
        figure.legend.show = LegendShow::Always;
        figure.legend.title = "cluster".to_owned();
        if self.labels.iter().any(Option::is_none) {
            figure.note = "Grey dots belong to no cluster.".to_owned();
        }
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn means(&self) -> Exhibit {
        let fields = self.work.fields.iter().take(COLUMNS);
        let line = |name: Cell, mut mean: Vec<f64>| {
            self.found.scaling.invert(&mut mean);
            std::iter::once(name).chain(mean.into_iter().take(COLUMNS).map(Cell::number)).collect::<Vec<_>>()
        };
        let clusters = (0..self.profile.sizes.len()).take(SHOWN);
        let mut rows: Vec<Vec<Cell>> =
            clusters.map(|at| line(Cell::text((at + 1).to_string()), self.profile.mean(at))).collect();
        rows.push(line(Cell::text("all rows"), self.profile.mean_of_all()));
        let columns =
            std::iter::once(Column::new("cluster")).chain(fields.map(|field| Column::new(field.name.clone())));
        let left_out = self.work.fields.len().saturating_sub(COLUMNS);
        let note = (left_out > 0).then(|| format!("{left_out} further columns are not shown."));
        Exhibit::Table(Table { title: "Means in their own units".to_owned(), columns: columns.collect(), rows, note })
    }

    fn scales(&self) -> Exhibit {
        let scaling = &self.found.scaling;
        let rows = self.work.fields.iter().zip(scaling.centres.iter().zip(&scaling.scales)).take(COLUMNS);
        let rows = rows.map(|(field, (centre, scale))| {
            vec![Cell::text(field.name.clone()), Cell::number(*centre), Cell::number(*scale)]
        });
        let columns = ["column", "moved by", "divided by"].map(Column::new).to_vec();
        let mut note = format!("Columns are {}. {}", self.work.scale.describe(), self.learned_from);
        note += &match self.found.learned_from.as_str() {
            "" => ".".to_owned(),
            rows => format!(": {rows}."),
        };
        if self.work.scale == Scale::None && self.work.method != Method::Mixture {
            note += " Columns of large numbers rule the distances.";
        }
        Exhibit::Table(Table {
            title: "The scale of the comparison".to_owned(),
            columns,
            rows: rows.collect(),
            note: Some(note),
        })
    }
}

/// What is seen once all rows went by, those of other parts too.
pub(super) fn counted(name: &str, counts: &StageCounts) -> Vec<Exhibit> {
    let [missing, noise] = [MISSING, NOISE].map(|counter| counts.counter(POINT, counter));
    let with = counts.out.saturating_sub(missing + noise);
    let mut text = format!("`{name}` has a cluster in {} of {}", digits::whole(with), digits::rows(counts.out));
    if missing > 0 {
        text += &format!("; {} lack a value", digits::whole(missing));
    }
    if noise > 0 {
        text += &format!("; {} belong to no cluster", digits::whole(noise));
    }
    vec![Exhibit::note(Tone::Info, text + ".")]
}

/// `UA 41% (18%)`, three of them: the share in the cluster and, in brackets, among all rows.
fn top(categories: Option<&Vec<Category>>) -> String {
    let percent = |share: f64| digits::fixed(share * 100.0, 0);
    let parts = categories.into_iter().flatten().take(3).map(|category| {
        let Category { value, share, of_all } = category;
        format!("{value} {}% ({}%)", percent(*share), percent(*of_all))
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// A number with as many digits as a person reads.
fn written(value: f64) -> String {
    let size = value.abs();
    match size {
        size if size >= 1e9 || (size > 0.0 && size < 1e-3) => format!("{value:.2e}"),
        size if size >= 100.0 => digits::fixed(value, 0),
        size if size >= 1.0 => digits::fixed(value, 1),
        _ => digits::fixed(value, 3),
    }
}

/// Quality over rows in memory, drawn at random when there are many.
struct Measured {
    rows: usize,
    drawn: bool,
    silhouette: Option<f64>,
    davies_bouldin: Option<f64>,
    calinski_harabasz: Option<f64>,
    /// The mean silhouette of each cluster.
    of_clusters: Vec<Option<f64>>,
}

impl Measured {
    fn new(found: &Found, labels: &[Option<u32>], seed: u64) -> Self {
        let width = found.width;
        let chosen = drawn(found.count(), MEASURED, seed);
        let rows: Vec<f64> = chosen
            .iter()
            .flat_map(|at| found.rows.get(at * width..(at + 1) * width).unwrap_or_default())
            .copied()
            .collect();
        let drawn_labels: Vec<Option<u32>> = chosen.iter().map(|at| labels.get(*at).copied().flatten()).collect();
        let silhouettes = quality::silhouettes(&rows, width, &drawn_labels);
        let k = labels.iter().flatten().max().map_or(0, |most| *most as usize + 1);
        let mut sums = vec![(0.0, 0_u32); k];
        for (silhouette, label) in silhouettes.iter().flatten().zip(&drawn_labels) {
            if let (Some(silhouette), Some(label)) = (silhouette, label) {
                let sum = &mut sums[*label as usize];
                *sum = (sum.0 + silhouette, sum.1 + 1);
            }
        }
        let count: u32 = sums.iter().map(|(_, count)| count).sum();
        let total: f64 = sums.iter().map(|(sum, _)| sum).sum();
        Self {
            rows: chosen.len(),
            drawn: chosen.len() < found.count(),
            silhouette: silhouettes.as_ref().map(|_| total / f64::from(count.max(1))),
            davies_bouldin: quality::davies_bouldin(&found.rows, width, labels),
            calinski_harabasz: quality::calinski_harabasz(&found.rows, width, labels),
            of_clusters: sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect(),
        }
    }
}

/// The two directions of greatest variance, with their shares of it.
fn principal(rows: &[Vec<f64>], width: usize) -> Option<([Vec<f64>; 2], [f64; 2])> {
    let count = rows.len() as f64;
    let mut means = vec![0.0; width];
    rows.iter().for_each(|row| means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / count));
    let centred = DMatrix::from_fn(rows.len(), width, |i, j| rows[i][j] - means[j]);
    let covariance = centred.tr_mul(&centred) / count;
    let total = covariance.trace();
    if !(total.is_finite() && total > 0.0) {
        return None;
    }
    let eigen = covariance.symmetric_eigen();
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let [first, second] = [order.first(), order.get(1)].map(|at| at.copied().unwrap_or(0));
    let direction = |at: usize| {
        let column: Vec<f64> = eigen.eigenvectors.column(at).iter().copied().collect();
        // An eigenvector has no sign of its own: its largest part points up.
        let largest =
            column.iter().copied().fold(0.0, |best: f64, next| if next.abs() > best.abs() { next } else { best });
        column.into_iter().map(|value| if largest < 0.0 { -value } else { value }).collect::<Vec<f64>>()
    };
    let share = |at: usize| (eigen.eigenvalues[at] / total).clamp(0.0, 1.0);
    Some(([direction(first), direction(second)], [share(first), share(second)]))
}
