//! Scenes of small figures.

use super::*;
use crate::chart::{Mark, Reference};

fn scene(line: &Line) -> Scene {
    draw(&Figure::new("t", Mark::Line(line.clone())), line).unwrap()
}

fn lines(scene: &Scene) -> Vec<&Vec<Point>> {
    scene
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Polyline { points, .. } => Some(points),
            _ => None,
        })
        .collect()
}

#[test]
fn a_null_is_a_gap_and_a_lone_point_is_a_dot() {
    let values = [Some(1.0), Some(2.0), None, Some(3.0), None, Some(2.0), Some(f64::NAN), Some(1.0), Some(4.0)];
    let line =
        Line::new(Positions::Number((0..9).map(|i| Some(f64::from(i))).collect()), vec![Series::new("", values)]);
    let scene = scene(&line);
    assert_eq!(lines(&scene).iter().map(|points| points.len()).collect::<Vec<_>>(), [2, 2]);
    let dots = scene.shapes.iter().filter(|shape| matches!(shape, Shape::Dots { .. })).count();
    assert_eq!(dots, 2);
}

#[test]
fn points_stand_on_places_of_their_own_and_the_axes_reach_them() {
    let mut line = Line::new(
        Positions::Time(vec![Some(0), Some(1_000_000), Some(2_000_000)]),
        vec![Series::new("mean", [Some(1.0), Some(2.0), Some(1.0)])],
    );
    let x = Positions::Time(vec![Some(500_000), Some(1_500_000), Some(9_000_000)]);
    line.points = vec![Points { name: "outlier".to_owned(), series: 3, x, y: vec![Some(50.0), None, Some(1.0)] }];
    let found = scene(&line);
    let dots: Vec<_> = found
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Dots { centres, fill, .. } if *fill == Ink::Series(3) => Some(centres.clone()),
            _ => None,
        })
        .collect();
    // One lacks a value, one lies beyond the axis.
    assert_eq!(dots.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
    let line_of = lines(&found).first().map(|points| points.iter().map(|point| point.1).collect::<Vec<_>>()).unwrap();
    assert!(dots[0][0].1 < line_of.iter().copied().fold(f64::INFINITY, f64::min) - 50.0);
    line.points[0].y.pop();
    assert!(draw(&Figure::new("t", Mark::Line(line.clone())), &line).is_err());
}

#[test]
fn positions_are_sorted() {
    let line = Line::new(
        Positions::Time(vec![Some(3_000_000), Some(1_000_000), None, Some(2_000_000)]),
        vec![Series::new("", [Some(3.0), Some(1.0), Some(9.0), Some(2.0)])],
    );
    let scene = scene(&line);
    let points = lines(&scene)[0];
    assert_eq!(points.len(), 3);
    assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1));
}

#[test]
fn many_points_are_merged_but_keep_their_extremes() {
    let n = 300_000;
    let mut values: Vec<Option<f64>> = (0..n).map(|i| Some(f64::from(i % 7))).collect();
    values[123_456] = Some(1_000.0);
    let line =
        Line::new(Positions::Number((0..n).map(|i| Some(f64::from(i))).collect()), vec![Series::new("", values)]);
    let scene = scene(&line);
    let points = lines(&scene)[0];
    assert!(points.len() < 3_000, "{}", points.len());
    let top = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let second = points.iter().map(|point| point.1).filter(|y| *y > top).fold(f64::INFINITY, f64::min);
    assert!(second - top > 200.0, "the spike stands out: {top} {second}");
}

#[test]
fn gaps_that_cannot_be_seen_do_not_divide_a_line() {
    let n = 200_000;
    let values = (0..n).map(|i| (i % 2 == 0 && !(80_000..120_000).contains(&i)).then_some(f64::from(i)));
    let line =
        Line::new(Positions::Number((0..n).map(|i| Some(f64::from(i))).collect()), vec![Series::new("", values)]);
    assert_eq!(lines(&scene(&line)).len(), 2);
}

#[test]
fn a_band_is_a_closed_area_that_widens_the_axis() {
    let x = Positions::Number((0..4).map(|i| Some(f64::from(i))).collect());
    let mut line = Line::new(x, vec![Series::new("", [Some(1.0), Some(1.0), Some(1.0), Some(1.0)])]);
    let some = |values: [f64; 4]| values.map(Some).to_vec();
    line.bands.push(Band { series: 0, low: some([1.0, 0.0, -1.0, -2.0]), high: some([1.0, 2.0, 3.0, 4.0]) });
    let scene = scene(&line);
    let ring = scene.shapes.iter().find_map(|shape| match shape {
        Shape::Polygons { rings, .. } => rings.first(),
        _ => None,
    });
    let ring = ring.unwrap();
    assert_eq!(ring.len(), 8);
    assert_eq!((ring[0], ring[3].0), (ring[7], ring[4].0));
    assert!(ring[3].1 - ring[4].1 > 100.0, "{ring:?}");
}

#[test]
fn words_beside_reference_lines_do_not_cover_each_other() {
    let line = Line::new(Positions::Number(vec![Some(0.0), Some(1.0)]), vec![Series::new("", [0.0, 100.0].map(Some))]);
    let mut figure = Figure::new("t", Mark::Line(line.clone()));
    figure.references =
        [(50.0, "half"), (50.5, "a little more"), (90.0, "most")].map(|(at, word)| Reference::y(at, word)).to_vec();
    let scene = draw(&figure, &line).unwrap();
    let words =
        |word: &str| scene.shapes.iter().any(|shape| matches!(shape, Shape::Text(text) if text.content == word));
    assert_eq!(["half", "a little more", "most"].map(words), [true, false, true]);
}

#[test]
fn a_band_needs_a_value_for_each_position() {
    let mut line = Line::new(Positions::Number(vec![Some(1.0)]), vec![Series::new("", [Some(1.0)])]);
    line.bands.push(Band { series: 0, low: vec![], high: vec![Some(1.0)] });
    let error = draw(&Figure::new("t", Mark::Line(line.clone())), &line).unwrap_err();
    assert_eq!(error.to_string(), "the values of a band: 0 where 1 are needed");
}

#[test]
fn names_at_the_ends_of_lines_do_not_overlap() {
    let series: Vec<Series> =
        (0..8).map(|i| Series::new(format!("series {i}"), [Some(1.0), Some(5.0 + f64::from(i) * 0.01)])).collect();
    let scene = scene(&Line::new(Positions::Category(vec!["a".into(), "b".into()]), series));
    let mut places: Vec<f64> = scene
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Text(text) if text.content.starts_with("series ") => Some(text.at.1),
            _ => None,
        })
        .collect();
    places.sort_by(f64::total_cmp);
    assert_eq!(places.len(), 8);
    assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= NAME_PITCH - 1e-6), "{places:?}");
}
