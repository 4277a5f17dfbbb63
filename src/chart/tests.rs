//! Whole figures: every mark with hostile, empty, extreme and very large data is well-formed, harmless, bounded and the same every time.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&\u{0}\u{1b}[31m]]>";

fn labels(n: usize, text: &str) -> Vec<String> {
    (0..n).map(|i| format!("{text} {i}")).collect()
}

/// One figure of each kind, and of each kind in its variants, with `n` things that are named `text` and have the values `value(i)`.
fn figures(n: usize, text: &str, value: impl Fn(usize) -> Option<f64>) -> Vec<Figure> {
    let values: Vec<Option<f64>> = (0..n).map(&value).collect();
    let series = |k: usize| (0..k).map(|i| Series::new(format!("{text} {i}"), values.clone())).collect::<Vec<_>>();
    let bar = |orientation, stacked, k| Mark::Bar(Bar { orientation, stacked, ..Bar::new(labels(n, text), series(k)) });
    let numbers = Positions::Number((0..n).map(|i| Some(i as f64)).collect());
    let times = Positions::Time((0..n).map(|i| Some(1_357_000_000_000_000 + i as i64 * 86_400_000_000)).collect());
    let edges: Vec<f64> = (0..=n.min(1_000)).map(|i| i as f64).collect();
    let bins = || values.iter().copied().take(1_000).collect::<Vec<_>>();
    let square = n.min(120);
    let matrix = |n: usize| (0..n).map(|_| values.iter().copied().take(n).collect()).collect::<Vec<Vec<_>>>();
    let mut grouped = Scatter::new(numbers.clone(), values.clone());
    grouped.groups = labels(3, text);
    grouped.group = (0..n).map(|i| Some(i as u32 % 4)).collect();
    let marks = vec![
        bar(Orientation::Auto, false, 1),
        bar(Orientation::Vertical, false, 3),
        bar(Orientation::Horizontal, false, 2),
        bar(Orientation::Vertical, true, 3),
        bar(Orientation::Horizontal, true, 3),
        Mark::Line(Line::new(numbers.clone(), series(1))),
        Mark::Line(Line::new(times.clone(), series(20))),
        Mark::Line(Line::new(Positions::Category(labels(n, text)), series(3))),
        Mark::Scatter(Scatter::new(times, values.clone())),
        Mark::Scatter(grouped),
        Mark::Scatter(Scatter::new(Positions::Number(values.clone()), values.clone())),
        Mark::Interval(Interval::new((0..n).map(|i| (format!("{text} {i}"), value(i), value(i / 2), value(i))))),
        Mark::Dendrogram(Dendrogram {
            leaves: labels(n.min(100), text),
            groups: (0..n.min(100)).map(|i| Some(i as u32 / 7).filter(|group| *group != 2)).collect(),
            // A chain: each merge takes in one more leaf.
            merges: (1..n.min(100))
                .map(|i| Join {
                    a: if i == 1 { 0 } else { n.min(100) + i - 2 },
                    b: i,
                    height: value(i).unwrap_or(f64::NAN),
                })
                .collect(),
        }),
        Mark::Parallel(Parallel {
            axes: (0..n.min(24))
                .map(|i| ParallelAxis {
                    name: format!("{text} {i}"),
                    ticks: vec![(value(i).unwrap_or(f64::NAN), text.to_string()), (1.0, text.to_string())],
                })
                .collect(),
            lines: (0..n)
                .map(|i| ParallelLine {
                    name: text.to_string(),
                    places: (0..n.min(24)).map(|axis| value((i + axis) % n)).collect(),
                    strength: value(i).unwrap_or(f64::NAN),
                    is_marked: i == 3,
                })
                .collect(),
            ends: (text.to_string(), text.to_string()),
        }),
        Mark::BoxPlot(BoxPlot::new((0..n).map(|i| {
            let [low, q25, median, q75, high] = [1, 2, 3, 4, 5].map(|part| value(i / part).unwrap_or(f64::NAN));
            let beyond = values.iter().flatten().take(300).copied().collect();
            let spread = Spread { low, q25, median, q75, high, mean: value(i), beyond };
            (format!("{text} {i}"), Some(spread))
        }))),
        Mark::Line(Line {
            bands: vec![Band { series: 0, low: values.clone(), high: values.iter().rev().copied().collect() }],
            ..Line::new(numbers.clone(), series(1))
        }),
        Mark::Line(Line {
            points: vec![Points {
                name: text.to_string(),
                series: 1,
                x: Positions::Number(values.clone()),
                y: values.clone(),
            }],
            background: vec![values.clone()],
            ..Line::new(numbers.clone(), series(1))
        }),
        Mark::Scatter(Scatter {
            arrows: (0..n.min(20))
                .map(|i| Arrow { name: text.to_string(), x: value(i).unwrap_or(0.0), y: 1.0 })
                .collect(),
            ..Scatter::new(Positions::Number(values.clone()), values.clone())
        }),
        Mark::Histogram(Histogram::new(edges.clone(), bins())),
        Mark::Histogram(Histogram {
            edges: edges.clone(),
            series: vec![Series::new(text, bins()), Series::new("b", bins())],
            stacked: false,
        }),
        Mark::Histogram(Histogram {
            edges,
            series: vec![Series::new(text, bins()), Series::new("b", bins())],
            stacked: true,
        }),
        Mark::Heatmap(Heatmap::new(
            labels(square, text),
            labels(square, text),
            matrix(square),
            ColourScale::Sequential,
        )),
        Mark::Heatmap(Heatmap::new(
            labels(square, text),
            labels(square, text),
            matrix(square),
            ColourScale::Diverging { bound: None },
        )),
    ];
    let mut figures = Vec::new();
    for mark in marks {
        let mut figure = Figure::new(text, mark);
        figure.references = vec![Reference::y(1.0, text), Reference::x(2.0, text), Reference::y(f64::NAN, text)];
        figure.subtitle = text.to_string();
        figure.note = text.to_string();
        figure.x.label = text.to_string();
        figure.y.label = text.to_string();
        figure.legend.title = text.to_string();
        let mut narrow = figure.clone();
        narrow.width = 300;
        narrow.height = Some(200);
        let mut log = figure.clone();
        log.y.scale = Scale::Log;
        figures.extend([figure, narrow, log]);
    }
    figures
}

/// Checks that a text is well-formed XML with only the elements that figures use, and returns how many elements it has.
fn well_formed(svg: &str) -> usize {
    const KNOWN: [&str; 11] = ["svg", "title", "desc", "style", "rect", "path", "line", "g", "circle", "text", "tspan"];
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()), "a control character in the output");
    let mut open: Vec<&str> = Vec::new();
    let mut elements = 0;
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        assert!(!text.contains('>'), "a stray > in {text}");
        for entity in text.split('&').skip(1) {
            assert!(["lt;", "gt;", "amp;", "quot;", "#39;"].iter().any(|known| entity.starts_with(known)), "&{entity}");
        }
        let end = tag.find('>').expect("every tag ends");
        let body = &tag[1..end];
        if let Some(name) = body.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            let name = body.split([' ', '/']).next().unwrap();
            assert!(KNOWN.contains(&name), "element {name}");
            assert_eq!(body.matches('"').count() % 2, 0, "{body}");
            let names: String = body.split('"').step_by(2).collect();
            assert!(!names.contains(" on") && !names.contains("style=") && !names.contains(" id="), "{body}");
            for number in body.split('"').skip(1).step_by(2) {
                assert!(!number.contains("NaN") && !number.split([' ', 'L', 'M']).any(|part| part == "inf"), "{body}");
            }
            elements += 1;
            if !body.ends_with('/') {
                open.push(name);
            }
        }
        rest = &tag[end + 1..];
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
    elements
}

fn check(figure: &Figure) -> String {
    let svg = figure.to_svg(SvgColours::Variables).unwrap();
    assert!(well_formed(&svg) > 3);
    assert!(svg.len() < 300_000, "{} bytes: {}", svg.len(), figure.mark.sentence());
    inside(&figure.scene().unwrap());
    svg
}

/// Every text lies inside of the figure, in the width of the embedded typeface.
fn inside(scene: &scene::Scene) {
    use scene::{Anchor, Shape};
    for shape in &scene.shapes {
        let Shape::Text(text) = shape else { continue };
        let width = text.content.chars().map(|c| typography::advance(c, text.weight)).sum::<f64>() * text.size;
        let radians = text.angle.to_radians();
        let (start, end) = match text.anchor {
            Anchor::Start => (0.0, width),
            Anchor::Middle => (-width / 2.0, width / 2.0),
            Anchor::End => (-width, 0.0),
        };
        for along in [start, end] {
            let (x, y) = (text.at.0 + along * radians.cos(), text.at.1 + along * radians.sin());
            assert!(x > -1.0 && x < scene.width + 1.0, "{:?} at {x} of {}", text.content, scene.width);
            assert!(y > 0.0 && y < scene.height, "{:?} at {y} of {}", text.content, scene.height);
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let long = "m".repeat(10_000);
    for text in [HOSTILE, &long, "שלום עולם مرحبا", "👩‍🚀🏳️‍🌈 e\u{301}", "\u{202E}reversed", ""]
    {
        for figure in figures(5, text, |i| Some(i as f64)) {
            let svg = check(&figure);
            assert!(!svg.contains("<img") && !svg.contains("<script") && !svg.contains('\u{202E}'));
        }
    }
}

#[test]
fn a_hostile_label_is_shown_as_it_is() {
    let bar = Bar::new(["<img src=x onerror=alert(1)>"], vec![Series::new("", [Some(1.0)])]);
    let svg = check(&Figure::new("t", Mark::Bar(bar)));
    assert!(svg.contains(">&lt;img src=x onerror=alert(1)&gt;</text>"), "{svg}");
}

#[test]
fn no_data_is_a_figure_that_says_so() {
    for figure in figures(0, "x", |_| None)
        .into_iter()
        .chain(figures(4, "x", |_| None))
        .chain(figures(4, "x", |_| Some(f64::NAN)))
    {
        assert!(check(&figure).contains("No rows to show</text>"), "{:?}", figure.mark);
    }
}

#[test]
fn one_value_and_equal_values_are_drawn() {
    for n in [1, 2, 30] {
        for value in [0.0, 7.0, -3.5, 1e300, 1e-300, -1e-300, 5e-324] {
            figures(n, "x", |_| Some(value)).iter().for_each(|figure| {
                check(figure);
            });
        }
    }
}

#[test]
fn extreme_ranges_are_drawn() {
    let extremes =
        [1e300, 1e-300, -1e300, 0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, f64::NAN];
    for figure in figures(9, "x", |i| Some(extremes[i])) {
        check(&figure);
    }
    for figure in figures(9, "x", |i| if i % 2 == 0 { Some(10_f64.powi(i as i32 * 70 - 290)) } else { None }) {
        check(&figure);
    }
}

#[test]
fn large_data_stay_bounded() {
    for n in [500, 10_000] {
        for figure in figures(n, "category", |i| Some((i * 7_919 % 1_009) as f64)) {
            check(&figure);
        }
    }
}

#[test]
fn what_is_left_out_is_said() {
    let bar = Bar::new(labels(10_000, "c"), vec![Series::new("", (0..10_000).map(|i| Some(f64::from(i))))]);
    assert!(check(&Figure::new("t", Mark::Bar(bar))).contains("The first 500 of 10,000 categories are shown."));
    let line = Line::new(
        Positions::Number(vec![Some(1.0)]),
        (0..20).map(|i| Series::new(format!("s{i}"), [Some(1.0)])).collect(),
    );
    assert!(check(&Figure::new("t", Mark::Line(line))).contains("The first 16 of 20 series are shown."));
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    for figure in figures(40, "x", |i| Some((i * i % 23) as f64)) {
        let copy: Figure = serde_json::from_str(&serde_json::to_string(&figure).unwrap()).unwrap();
        assert_eq!(copy, figure);
        assert_eq!(copy.to_svg(SvgColours::Standalone).unwrap(), figure.to_svg(SvgColours::Standalone).unwrap());
    }
    let figure = &figures(12, "x", |i| Some(i as f64))[0];
    assert_eq!(figure.to_png(Theme::Dark, 2).unwrap(), figure.to_png(Theme::Dark, 2).unwrap());
}

#[test]
fn every_mark_is_painted_in_both_themes() {
    for figure in figures(25, "שלום 👩‍🚀 label", |i| Some(i as f64 - 5.0)) {
        let (light, dark) = (figure.to_png(Theme::Light, 1).unwrap(), figure.to_png(Theme::Dark, 1).unwrap());
        assert!(light.starts_with(b"\x89PNG") && light != dark && light.len() > 1_000);
        assert_eq!(light[16..20], figure.width.to_be_bytes());
    }
}

#[test]
fn a_size_out_of_bounds_is_refused() {
    let mut figure = figures(2, "x", |_| Some(1.0)).remove(0);
    figure.width = 50;
    assert_eq!(
        figure.to_svg(SvgColours::Variables).unwrap_err().to_string(),
        "a figure is 200 to 4000 pixels wide and high, not 50"
    );
    figure.width = 700;
    figure.height = Some(9_000);
    assert_eq!(
        figure.to_svg(SvgColours::Variables).unwrap_err().to_string(),
        "a figure is 120 to 4000 pixels wide and high, not 9000"
    );
}

#[test]
fn a_figure_can_be_written_by_hand() {
    let json = r#"{"title": "Late", "mark": {"bar": {"categories": ["UA"], "series": [{"values": [0.2]}]}}, "y": {"format": "percent"}}"#;
    let figure: Figure = serde_json::from_str(json).unwrap();
    assert!(check(&figure).contains(">20%</text>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn no_data_break_a_figure(values in prop::collection::vec(prop::option::of(any::<f64>()), 1..12), text in any::<String>(), width in 200_u32..900) {
        for (index, mut figure) in figures(values.len(), &text, |i| values[i]).into_iter().enumerate() {
            figure.width = width;
            check(&figure);
            if index % 7 == 0 {
                prop_assert!(figure.to_png(Theme::Light, 1).is_ok());
            }
        }
    }
}
