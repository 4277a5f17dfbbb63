//! `chart`: rows become a picture.

mod data;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::{Axis, Figure, NumberFormat, Scale, SvgColours, Theme};
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::engine::Written;
use crate::exhibit::Exhibit;
use crate::expression::{DataType, Expr, Function};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use data::Drawing;

/// Draws the rows: into the report, and with `save` into a file.
///
/// `x`, `y` and `colour` are columns or SQL expressions. With bars, lines and heatmaps, `y` (or `value`) may be an aggregate
/// such as `avg(arr_delay)`: rows with the same `x` and `colour` then become one mark. Without `y`, bars count rows. Lines may have a
/// pale area from `low` to `high`, such as the interval of a forecast.
///
/// - `bar`: one bar for each `x`, the largest first; more than `top` of them are left out with a note.
/// - `line`: `y` along `x`, a line for each `colour`.
/// - `scatter`: a point for each row; of more than 20,000 rows an even part is drawn.
/// - `histogram`: how the numbers in `x` are distributed.
/// - `box`: how the numbers in `y` are spread for each `x`: quartiles and median, whiskers to the outermost values within 1.5
///   interquartile ranges of the box, a dot at the mean and at the ends of the values.
/// - `interval`: a dot at `y` with a line from `low` to `high` for each `x`, a colour for each `colour`.
/// - `heatmap`: `value` by `x` and `y`.
///
/// ```yaml
/// - chart: {mark: bar, x: carrier, y: "avg(cast(late as int))", y_format: percent, title: Share of late flights by airline}
/// - chart: {mark: box, x: origin, y: dep_delay, title: Delays by airport}
/// - chart: {mark: line, x: "date_trunc('month', time_hour)", y: "avg(arr_delay)", colour: origin, save: out/delay.png}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The kind of drawing.
    mark: Mark,
    /// What runs along the horizontal axis.
    x: Spanned<String>,
    /// What runs along the vertical axis.
    #[serde(default)]
    y: Option<Spanned<String>>,
    /// The lower end of what surrounds `y`, in lines and intervals.
    #[serde(default)]
    low: Option<Spanned<String>>,
    /// The upper end.
    #[serde(default)]
    high: Option<Spanned<String>>,
    /// What the colours of a heatmap show.
    #[serde(default)]
    value: Option<Spanned<String>>,
    /// What tells the series apart.
    #[serde(default)]
    colour: Option<Spanned<String>>,
    /// The headline, best as the finding itself.
    #[serde(default)]
    title: Option<String>,
    /// What is measured, of which rows.
    #[serde(default)]
    subtitle: Option<String>,
    /// Text beside the horizontal axis; the expression when absent.
    #[serde(default)]
    x_label: Option<String>,
    /// Text beside the vertical axis; the expression when absent.
    #[serde(default)]
    y_label: Option<String>,
    /// Whether equal ratios are equal distances along the horizontal axis.
    #[serde(default)]
    x_log: bool,
    /// Whether equal ratios are equal distances along the vertical axis.
    #[serde(default)]
    y_log: bool,
    /// How the numbers of the vertical axis, or of a heatmap's cells, are written.
    #[serde(default)]
    y_format: ValueFormat,
    /// Bars and series at most.
    #[serde(default = "top")]
    top: Spanned<usize>,
    /// The order of bars.
    #[serde(default)]
    sort: Order,
    /// Bins of a histogram; chosen by the data when absent.
    #[serde(default)]
    bins: Option<Spanned<usize>>,
    /// Whether bars of several colours stand on each other.
    #[serde(default)]
    stacked: bool,
    /// A file for the picture: `.svg` or `.png`.
    #[serde(default)]
    save: Option<Spanned<String>>,
    /// The colours of a saved picture.
    #[serde(default)]
    theme: SavedTheme,
}

/// Kinds of drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Bars.
    Bar,
    /// Lines.
    Line,
    /// Points.
    Scatter,
    /// A histogram.
    Histogram,
    /// Box plots.
    Box,
    /// Estimates with intervals.
    Interval,
    /// A heatmap.
    Heatmap,
}

/// The order of bars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Texts by value, the largest first; numbers and times by themselves.
    #[default]
    Auto,
    /// The largest first.
    Value,
    /// By what stands along the axis.
    Name,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueFormat {
    /// Short and readable.
    #[default]
    Auto,
    /// With thousands separators.
    Plain,
    /// Shares as percentages.
    Percent,
}

/// The colours of a saved picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SavedTheme {
    /// On white.
    #[default]
    Light,
    /// On near-black.
    Dark,
}

fn top() -> Spanned<usize> {
    Spanned::nowhere(30)
}

impl Stage for Chart {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let drawing = self.drawing(table)?;
        let save = self
            .save
            .as_ref()
            .map(|path| self.check_save(path, context))
            .transpose()
            .map_err(|finding| vec![finding])?;
        let targets = save.iter().cloned().zip(self.save.iter().map(|path| path.place.clone())).collect();
        let work = ChartWork { options: self.clone(), drawing, save };
        Ok(Planned {
            product: Shape::Table(table.clone()),
            work: std::sync::Arc::new(work),
            meaning: serde_json::to_value(self).unwrap_or_default(),
            findings: Vec::new(),
            targets,
        })
    }
}

impl Chart {
    fn drawing(&self, table: &TableShape) -> Result<Drawing, Findings> {
        let refuse = |message: &str, at: &Spanned<String>| Err(vec![Diagnostic::definition(message).at(&at.place)]);
        let schema = &table.schema;
        let x = inputs::expression(&self.x, schema)?;
        let colour = self.colour.as_ref().map(|text| inputs::expression(text, schema)).transpose()?;
        let either =
            |text: &Spanned<String>| inputs::aggregate(text, schema).or_else(|_| inputs::expression(text, schema));
        for (expr, text) in [(Some(&x), Some(&self.x)), (colour.as_ref(), self.colour.as_ref())] {
            if let (Some(expr), Some(text)) = (expr, text)
                && expr.data_type.is_nested()
            {
                return refuse("lists and structs have no place on an axis", text);
            }
        }
        let is_number = |expr: &Expr| expr.data_type.is_numeric() || expr.data_type == DataType::Boolean;
        if self.top.value == 0 {
            return Err(vec![Diagnostic::definition("`top` must be at least 1").at(&self.top.place)]);
        }
        if let (Some(value), false) = (&self.value, self.mark == Mark::Heatmap) {
            return refuse("`value` belongs to a heatmap; other marks have `y`", value);
        }
        self.check_ends()?;
        match (self.mark, &self.y) {
            (Mark::Histogram, Some(y)) => return refuse("a histogram counts rows by `x` and has no `y`", y),
            (Mark::Histogram, None) if !x.data_type.is_numeric() => {
                return refuse("a histogram needs numbers in `x`", &self.x);
            }
            (Mark::Scatter | Mark::Line | Mark::Heatmap | Mark::Box | Mark::Interval, None) => {
                return Err(vec![Diagnostic::definition("this mark needs `y`")]);
            }
            (Mark::Box, Some(y)) if inputs::aggregate(y, schema).is_ok_and(|expr| expr.has_aggregate()) => {
                return refuse("a box shows how the rows are spread: `y` is a number of each row, not an aggregate", y);
            }
            (Mark::Scatter, Some(y))
                if !(x.data_type.is_numeric() || x.data_type.is_temporal()) || inputs::aggregate(y, schema).is_ok() =>
            {
                return refuse(
                    "a scatter draws a point for each row: `x` and `y` are numbers or times, not aggregates",
                    &self.x,
                );
            }
            _ => {}
        }
        let count = || Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64);
        let (y, value) = match self.mark {
            Mark::Heatmap => {
                let y = self.y.as_ref().map(|text| inputs::expression(text, schema)).transpose()?;
                let value = self.value.as_ref().map(either).transpose()?.unwrap_or_else(count);
                (y, Some(value))
            }
            _ => (self.y.as_ref().map(either).transpose()?, None),
        };
        let measured = value.as_ref().or(y.as_ref());
        if let (Some(measured), Some(text)) = (measured, self.value.as_ref().or(self.y.as_ref()))
            && self.mark != Mark::Histogram
            && !is_number(measured)
        {
            return refuse(&format!("this is {}, not a number", measured.data_type), text);
        }
        let mut ends = Vec::new();
        for text in self.low.iter().chain(&self.high) {
            let end = either(text)?;
            if !is_number(&end) {
                return refuse(&format!("this is {}, not a number", end.data_type), text);
            }
            if y.as_ref().is_some_and(|y| y.has_aggregate() != end.has_aggregate()) {
                return refuse("`y`, `low` and `high` are all aggregates, or none of them is", text);
            }
            ends.push(end);
        }
        let y = y.or_else(|| (self.mark == Mark::Bar).then(count));
        Ok(Drawing { mark: self.mark, x, y, value, colour, ends })
    }

    /// `low` and `high` belong together, and to the marks that show them.
    fn check_ends(&self) -> Result<(), Findings> {
        let refuse = |message: &str, at: &Spanned<String>| Err(vec![Diagnostic::definition(message).at(&at.place)]);
        match (&self.low, &self.high) {
            (Some(low), Some(_)) if !matches!(self.mark, Mark::Line | Mark::Interval) => {
                refuse("`low` and `high` belong to lines and intervals", low)
            }
            (Some(low), None) => refuse("`low` needs `high`", low),
            (None, Some(high)) => refuse("`high` needs `low`", high),
            (None, None) if self.mark == Mark::Interval => {
                Err(vec![Diagnostic::definition("an interval needs `low` and `high`")])
            }
            _ => Ok(()),
        }
    }

    fn check_save(&self, path: &Spanned<String>, context: &PlanContext<'_>) -> Result<PathBuf, Diagnostic> {
        let full = context.path(&path.value);
        match full.extension().and_then(|ending| ending.to_str()) {
            Some("svg" | "png") if full.is_dir() => {
                Err(Diagnostic::error(Class::Output, format!("`{}` is a folder", path.value)).at(&path.place))
            }
            Some("svg" | "png") => Ok(full),
            _ => Err(Diagnostic::definition("a picture is saved as `.svg` or `.png`").at(&path.place)),
        }
    }

    /// How the measured numbers are written.
    fn number_format(&self) -> NumberFormat {
        match self.y_format {
            ValueFormat::Auto => NumberFormat::Auto,
            ValueFormat::Plain => NumberFormat::Plain,
            ValueFormat::Percent => NumberFormat::Percent,
        }
    }

    fn axes(&self, figure: &mut Figure, drawing: &Drawing) {
        let scale = |log: bool| if log { Scale::Log } else { Scale::Linear };
        let label = |given: &Option<String>, text: Option<&Spanned<String>>, otherwise: &str| {
            given.clone().or_else(|| text.map(|text| text.value.clone())).unwrap_or_else(|| otherwise.to_owned())
        };
        figure.x = Axis { scale: scale(self.x_log), ..Axis::labelled(label(&self.x_label, Some(&self.x), "")) };
        if drawing.is_time() && self.mark != Mark::Bar {
            figure.x.scale = Scale::Time;
        }
        let y = Axis::labelled(label(&self.y_label, self.y.as_ref(), "rows"));
        figure.y = Axis { scale: scale(self.y_log), format: self.number_format(), ..y };
    }
}

struct ChartWork {
    options: Chart,
    drawing: Drawing,
    save: Option<PathBuf>,
}

impl ChartWork {
    fn save(&self, figure: &Figure, path: &Path) -> Result<Written, Diagnostic> {
        let failed = |error: crate::chart::ChartError| Diagnostic::error(Class::Stage, format!("cannot draw: {error}"));
        let theme = match self.options.theme {
            SavedTheme::Light => Theme::Light,
            SavedTheme::Dark => Theme::Dark,
        };
        let content = if path.extension().is_some_and(|ending| ending == "png") {
            figure.to_png(theme, 2).map_err(failed)?
        } else {
            figure.to_svg(SvgColours::Fixed(theme)).map_err(failed)?.into_bytes()
        };
        crate::staging::write_atomically(path, &content)
            .map_err(|error| crate::staging::failure("cannot write", path, &error))?;
        Ok(Written { rows: 0, files: vec![(path.to_path_buf(), content.len() as u64)] })
    }
}

impl Work for ChartWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let options = &self.options;
        let drawn = self.drawing.read(&table.relation, options, context)?;
        let title = options.title.clone().unwrap_or_else(|| default_title(options));
        let mut figure = Figure::new(title, drawn.mark);
        figure.subtitle = options.subtitle.clone().unwrap_or_default();
        figure.note = drawn.note;
        options.axes(&mut figure, &self.drawing);
        if let Some(colour) = &options.colour {
            figure.legend.title.clone_from(&colour.value);
        }
        let mut outcome = Outcome::default();
        if let Some(path) = &self.save {
            outcome.outputs.push(self.save(&figure, path)?);
        }
        outcome.exhibits.push(Exhibit::Figure(Box::new(figure)));
        Ok(outcome)
    }

    fn hands_input_on(&self) -> bool {
        true
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}

fn default_title(options: &Chart) -> String {
    let of = options.value.as_ref().or(options.y.as_ref());
    match (options.mark, of) {
        (Mark::Histogram, _) => format!("Distribution of {}", options.x.value),
        (_, Some(measured)) => format!("{} by {}", measured.value, options.x.value),
        (_, None) => format!("Rows by {}", options.x.value),
    }
}
