//! What a person sees of fewer columns.

use super::options::{Settings, Way};
use crate::chart::{
    Arrow, Axis, Bar, ColourScale, Figure, Heatmap, Mark, NumberFormat, Orientation, Positions, Scatter, Series,
};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::mining::embedding::{Tsne, TsneOptions};
use crate::similarity::neighbours::squared_distance;
use crate::statistics::decomposition::covariance::Covariance;
use crate::statistics::decomposition::linear_map::LinearMap;
use crate::statistics::decomposition::pca::{Components, Pca};
use crate::statistics::decomposition::random_projection::{self, guaranteed_distortion, sufficient_components};
use crate::statistics::quantiles::QuantileSketch;

/// Components in tables and drawings.
const COMPONENTS: usize = 10;
/// Columns in tables and drawings.
const COLUMNS: usize = 40;
/// Columns that are drawn as arrows among the rows.
const ARROWS: usize = 12;
/// How far a correlation of 1 reaches in that drawing, in standard deviations of the component.
const REACH: f64 = 3.0;
/// Pairs of rows whose distances are compared.
const PAIRS: usize = 1_000;

/// What one pass over the rows found.
pub(super) struct Found<'a> {
    pub(super) title: String,
    pub(super) settings: &'a Settings,
    pub(super) rows: u64,
    pub(super) left_out: u64,
    /// Rows drawn at random.
    pub(super) drawn: &'a [Vec<f64>],
}

impl Found<'_> {
    fn from(&self) -> String {
        match self.left_out {
            0 => format!("{}: {}", self.title, digits::rows(self.rows)),
            _ => format!(
                "{}: {}; {} left out because a value is missing or infinite",
                self.title,
                digits::rows(self.rows),
                digits::rows(self.left_out)
            ),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.fields.iter().map(|field| field.name.as_str())
    }

    fn component(&self, at: usize) -> String {
        match self.settings.names.first() {
            Some(name) if self.settings.as_list => format!("{name} {}", at + 1),
            _ => self.settings.names.get(at).cloned().unwrap_or_default(),
        }
    }
}

pub(super) fn of_pca(found: &Found<'_>, pca: &Pca, covariance: &Covariance) -> Vec<Exhibit> {
    let kept = pca.components().len();
    let shares = pca.shares();
    let together: f64 = shares.iter().take(kept).sum();
    let columns = found.settings.fields.len();
    let wanted = match found.settings.way {
        Way::Pca(Components::Share(share)) => format!("as few as keep {} %", digits::fixed(share * 100.0, 1)),
        _ => "as written".to_owned(),
    };
    let metrics = vec![
        Metric::new("components", kept as f64, Format::Integer).note(wanted),
        Metric::new("variance kept", together, Format::Percent).note(format!("of {columns} columns")),
        Metric::new("rows", found.rows as f64, Format::Integer),
    ];
    let matrix = if found.settings.scale { "correlations" } else { "covariances" };
    let mut exhibits =
        vec![Exhibit::Metrics { title: format!("Principal components of the {matrix}. {}", found.from()), metrics }];
    exhibits.push(scree(found, &shares, kept));
    exhibits.push(variances(found, pca, &shares, kept));
    exhibits.extend(correlations(found, pca, covariance, kept));
    exhibits.push(weights(found, pca));
    exhibits.extend(scores(found, pca.map(), &shares, Some((pca, covariance))));
    exhibits
}

/// The shares of the variance, component by component.
fn scree(found: &Found<'_>, shares: &[f64], kept: usize) -> Exhibit {
    let shown = shares.len().min(30);
    let place = |at: usize, inside: bool| shares.get(at).copied().filter(|_| (at < kept) == inside);
    let names: Vec<String> = (1..=shown).map(|at| at.to_string()).collect();
    let mut series = vec![Series::new("kept", (0..shown).map(|at| place(at, true)))];
    if shown > kept {
        series.push(Series::new("left out", (0..shown).map(|at| place(at, false))));
    }
    let mut bars = Bar::new(names, series);
    bars.stacked = true;
    bars.orientation = Orientation::Vertical;
    let mut figure = Figure::new("Scree plot", Mark::Bar(bars));
    figure.subtitle = "share of the variance of all columns that lies along each component".to_owned();
    figure.x = Axis::labelled("component");
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("share of the variance") };
    figure.height = Some(260);
    let columns = found.settings.fields.len();
    if shares.len() > shown {
        figure.note = format!("{} further components are not drawn.", shares.len() - shown);
    } else if shown < columns {
        figure.note = format!("Of {columns} components only these were searched for.");
    }
    Exhibit::Figure(Box::new(figure))
}

fn variances(found: &Found<'_>, pca: &Pca, shares: &[f64], kept: usize) -> Exhibit {
    let mut sum = 0.0;
    let rows = pca.variances().iter().zip(shares).take(kept.min(30)).enumerate().map(|(at, (variance, share))| {
        sum += share;
        let mut strongest: Vec<(&str, f64)> = found
            .names()
            .zip(pca.components().get(at).map_or(&[][..], Vec::as_slice))
            .map(|(name, weight)| (name, *weight))
            .collect();
        strongest.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let largest = strongest.first().map_or(0.0, |first| first.1.abs());
        strongest.retain(|(_, weight)| weight.abs() >= largest / 2.0);
        let words =
            strongest.iter().take(4).map(|(name, weight)| format!("{}{name}", if *weight < 0.0 { "−" } else { "+" }));
        let words = words.collect::<Vec<_>>().join(" ");
        vec![
            Cell::text(found.component(at)),
            Cell::number(*variance),
            Cell::number(*share),
            Cell::number(sum),
            Cell::text(words),
        ]
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let columns = vec![
        Column::new("component"),
        Column::new("variance"),
        Column::formatted("share", Format::Percent),
        Column::formatted("together", Format::Percent),
        Column::new("made of"),
    ];
    let note = Some("Made of: the columns with the largest weights, at least half of the largest.".to_owned());
    Exhibit::Table(Table { title: "Explained variance".to_owned(), columns, rows, note })
}

/// The correlations of columns and components.
fn correlations(found: &Found<'_>, pca: &Pca, covariance: &Covariance, kept: usize) -> Option<Exhibit> {
    if found.settings.fields.len() > COLUMNS {
        return None;
    }
    let shown = kept.min(COMPONENTS);
    let rows: Vec<String> = found.names().map(str::to_owned).collect();
    let columns: Vec<String> = (0..shown).map(|at| found.component(at)).collect();
    let row = |column: usize| (0..shown).map(|at| pca.correlation(at, column, covariance)).collect();
    let values = (0..rows.len()).map(row).collect();
    let map = Heatmap::new(rows, columns, values, ColourScale::Diverging { bound: Some(1.0) });
    let mut figure = Figure::new("What the components stand for", Mark::Heatmap(map));
    figure.subtitle = "correlation of each column with each component".to_owned();
    Some(Exhibit::Figure(Box::new(figure)))
}

fn weights(found: &Found<'_>, pca: &Pca) -> Exhibit {
    let shown = pca.components().len().min(COMPONENTS);
    let map = pca.map();
    let rows = found.names().enumerate().take(COLUMNS).map(|(column, name)| {
        let mut cells = vec![
            Cell::text(name),
            Cell::number(map.centers.get(column).copied()),
            Cell::number(map.scales.get(column).copied()),
        ];
        cells.extend(
            (0..shown)
                .map(|at| Cell::number(pca.components().get(at).and_then(|weights| weights.get(column)).copied())),
        );
        cells
    });
    let rows = rows.collect();
    let mut columns = ["column", "mean", "divided by"].map(Column::new).to_vec();
    columns.extend((0..shown).map(|at| Column::new(found.component(at))));
    let (more, further) = (found.settings.fields.len().saturating_sub(COLUMNS), pca.components().len() - shown);
    let mut note = "A component is the sum of (value - mean) / divisor times weight.".to_owned();
    if more > 0 || further > 0 {
        note += &format!(" {more} further columns and {further} further components are not shown.");
    }
    Exhibit::Table(Table { title: "Loadings (weights of length 1)".to_owned(), columns, rows, note: Some(note) })
}

/// Drawn rows by their first two components. Of principal components it is a biplot (Gabriel 1971): arrows show how the columns go
/// with both components.
fn scores(found: &Found<'_>, map: &LinearMap, shares: &[f64], of: Option<(&Pca, &Covariance)>) -> Option<Exhibit> {
    if map.weights.len() < 2 || found.drawn.is_empty() {
        return None;
    }
    let scores: Vec<Vec<f64>> = found.drawn.iter().map(|row| map.apply(row)).collect();
    let axis = |at: usize| scores.iter().map(move |row| row.get(at).copied().filter(|value| value.is_finite()));
    let mut scatter = Scatter::new(Positions::Number(axis(0).collect()), axis(1).collect());
    let mut title = "Rows by their first two components";
    let mut note = String::new();
    if let Some((pca, covariance)) = of {
        let columns;
        (scatter.arrows, columns) = arrows(found, pca, covariance);
        if !scatter.arrows.is_empty() {
            title = "Rows and columns by the first two components";
            note = format!(
                "Arrows: how a column goes with both components; a correlation of 1 with one of them reaches {} standard deviations along it.",
                digits::fixed(REACH, 0)
            );
            let shown = scatter.arrows.len();
            if shown < columns {
                note += &format!(" The {shown} columns with the longest arrows, of {columns}.");
            }
        }
    }
    let mut figure = Figure::new(title, Mark::Scatter(scatter));
    figure.height = Some(460);
    figure.note = note;
    if (found.drawn.len() as u64) < found.rows {
        figure.subtitle = format!("{}, drawn at random", digits::rows(found.drawn.len() as u64));
    }
    let label = |at: usize| {
        let share = shares
            .get(at)
            .map_or(String::new(), |share| format!(" ({} % of the variance)", digits::fixed(share * 100.0, 1)));
        Axis::labelled(format!("{}{share}", found.component(at)))
    };
    (figure.x, figure.y) = (label(0), label(1));
    Some(Exhibit::Figure(Box::new(figure)))
}

/// The columns as arrows, the longest first, and how many columns vary.
fn arrows(found: &Found<'_>, pca: &Pca, covariance: &Covariance) -> (Vec<Arrow>, usize) {
    let deviation = |at: usize| pca.variances().get(at).copied().unwrap_or(0.0).max(0.0).sqrt();
    let mut all: Vec<(f64, Arrow)> = found
        .names()
        .enumerate()
        .filter_map(|(column, name)| {
            let [first, second] = [0, 1].map(|at| pca.correlation(at, column, covariance));
            let (first, second) = (first?, second?);
            let arrow =
                Arrow { name: name.to_owned(), x: first * REACH * deviation(0), y: second * REACH * deviation(1) };
            Some((first.hypot(second), arrow)).filter(|(length, _)| length.is_finite())
        })
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let columns = all.len();
    (all.into_iter().take(ARROWS).map(|(_, arrow)| arrow).collect(), columns)
}

pub(super) fn of_projection(found: &Found<'_>, map: &LinearMap) -> Vec<Exhibit> {
    let components = map.weights.len();
    let columns = found.settings.fields.len();
    let ratios = ratios(found.drawn, map);
    let weights = match found.settings.way {
        Way::Random { weights: random_projection::Weights::Sparse, .. } => "two thirds of the weights are 0",
        _ => "normal weights",
    };
    let metrics = vec![
        Metric::new("components", components as f64, Format::Integer).note(format!("of {columns} columns; {weights}")),
        Metric::new("distance afterwards", ratios.quantile(0.5), Format::Percent)
            .note("of the one before: median of random pairs"),
        Metric::new("from", ratios.quantile(0.05), Format::Percent).note("of 5 % of the pairs at most"),
        Metric::new("to", ratios.quantile(0.95), Format::Percent).note("of 5 % of the pairs at least"),
    ];
    let mut exhibits = vec![Exhibit::Metrics { title: format!("Random projection. {}", found.from()), metrics }];
    let sufficient = sufficient_components(found.rows, 0.5).unwrap_or(0);
    let rows = digits::rows(found.rows);
    let text = match guaranteed_distortion(found.rows, components) {
        Some(distortion) => format!(
            "Johnson and Lindenstrauss: with positive probability no squared distance between {rows} changes by more than {} %. The numbers \
             above are what became of {} pairs.",
            digits::fixed(distortion * 100.0, 0),
            digits::whole(ratios.count())
        ),
        None => format!(
            "Johnson and Lindenstrauss guarantee nothing for {rows} in so few components: {} would keep all squared distances within half. \
             The numbers above are what became of {} pairs.",
            digits::whole(sufficient),
            digits::whole(ratios.count())
        ),
    };
    exhibits.push(Exhibit::note(Tone::Info, text));
    if components >= columns {
        let text = format!("{components} components are no fewer than the {columns} columns: nothing is gained.");
        exhibits.push(Exhibit::note(Tone::Warning, text));
    }
    exhibits.extend(scores(found, map, &[], None));
    exhibits
}

/// Distances of pairs of drawn rows after the projection, as shares of those before.
fn ratios(drawn: &[Vec<f64>], map: &LinearMap) -> crate::statistics::quantiles::Quantiles {
    let mut ratios = QuantileSketch::default();
    let scale = |row: &[f64]| -> Vec<f64> {
        row.iter().zip(&map.centers).zip(&map.scales).map(|((value, center), scale)| (value - center) / scale).collect()
    };
    // Each row with one that stands elsewhere: neighbours in the input may be alike.
    let partner = |at: usize| drawn.get((at.wrapping_mul(7_919) + drawn.len() / 3 + 1) % drawn.len().max(1));
    for (at, a) in drawn.iter().enumerate().take(PAIRS) {
        if let Some(b) = partner(at) {
            let before = squared_distance(&scale(a), &scale(b)).sqrt();
            let after = squared_distance(&map.apply(a), &map.apply(b)).sqrt();
            let ratio = after / before;
            if before > 0.0 && ratio.is_finite() {
                ratios.push(ratio);
            }
        }
    }
    ratios.quantiles()
}

pub(super) fn of_map(rows: &str, map: &Tsne, options: &TsneOptions, kept: Option<(f64, usize)>) -> Vec<Exhibit> {
    let mut metrics = vec![
        Metric::new("rows", map.places.len() as f64, Format::Integer),
        Metric::new("divergence", map.divergence, Format::Number).note("Kullback-Leibler, in nats; what is left"),
        Metric::new("perplexity", options.perplexity, Format::Number),
        Metric::new("rounds", map.rounds as f64, Format::Integer),
    ];
    if let Some((kept, neighbours)) = kept {
        metrics.insert(
            1,
            Metric::new("trustworthiness", kept, Format::Number)
                .note(format!("1: the {neighbours} nearest in the map are the nearest among the rows")),
        );
    }
    let mut exhibits = vec![Exhibit::Metrics { title: format!("t-SNE map of {rows}"), metrics }];
    if map.places.is_empty() {
        exhibits.push(Exhibit::note(Tone::Warning, "There are no rows without missing values: the map is empty."));
        return exhibits;
    }
    let axis = |at: usize| map.places.iter().map(move |place| place.get(at).copied().filter(|value| value.is_finite()));
    let mut figure = Figure::new(
        "Rows that are alike lie together",
        Mark::Scatter(Scatter::new(Positions::Number(axis(0).collect()), axis(1).collect())),
    );
    figure.height = Some(560);
    figure.note = "Directions and distances between far groups mean little.".to_owned();
    exhibits.push(Exhibit::Figure(Box::new(figure)));
    let text = "The map holds for these rows only: new rows have no place in it. To colour it by a column, chart the product: \
                `chart: {mark: scatter, x: tsne_1, y: tsne_2, ..}`.";
    exhibits.push(Exhibit::note(Tone::Info, text));
    exhibits
}
