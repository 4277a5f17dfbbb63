#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::quad_tree::QuadTree;
use super::{TsneOptions, trustworthiness, tsne};

fn scrambled(at: u32, factor: u32, modulus: u32) -> f64 {
    f64::from(at.wrapping_mul(factor) % modulus) / f64::from(modulus)
}

/// Three clouds in five columns.
fn clouds(each: u32) -> Vec<f64> {
    let row = |at: u32| {
        (0..5).map(move |column| {
            f64::from(at % 3) * 4.0 * f64::from(column % 2) + scrambled(at + 1, 7_919 + 62 * column, 997)
        })
    };
    (0..3 * each).flat_map(row).collect()
}

#[test]
fn forces_of_a_tree_with_angle_0_are_those_of_all_pairs() {
    let mut places: Vec<[f64; 2]> = (0..150).map(|i| [scrambled(i, 37, 101), scrambled(i, 53, 97)]).collect();
    places.push(places[3]);
    let tree = QuadTree::new(&places);
    for (own, place) in places.iter().enumerate() {
        let (mut force, mut normal) = ([0.0; 2], 0.0);
        for (_, other) in places.iter().enumerate().filter(|(at, _)| *at != own) {
            let (x, y) = (place[0] - other[0], place[1] - other[1]);
            let near = 1.0 / (1.0 + x * x + y * y);
            normal += near;
            force[0] += near * near * x;
            force[1] += near * near * y;
        }
        let (found, sum) = tree.repulsion(*place, 0.0);
        assert!(
            (sum - normal).abs() < 1e-9 && (found[0] - force[0]).abs() < 1e-9 && (found[1] - force[1]).abs() < 1e-9
        );
        let (rough, sum) = tree.repulsion(*place, 0.5);
        assert!((sum / normal - 1.0).abs() < 0.02 && (rough[0] - force[0]).abs() < 0.05 * normal);
    }
}

#[test]
fn clouds_stay_apart_and_a_seed_gives_one_map() {
    let rows = clouds(40);
    let options = TsneOptions { perplexity: 10.0, ..TsneOptions::default() };
    let map = tsne(&rows, 5, &options, &mut |_| true);
    let nearest = |own: usize| {
        let to = |at: usize| (map.places[own][0] - map.places[at][0]).hypot(map.places[own][1] - map.places[at][1]);
        (0..120).filter(|at| *at != own).min_by(|a, b| to(*a).total_cmp(&to(*b))).unwrap()
    };
    assert!((0..120).all(|own| nearest(own) % 3 == own % 3));
    assert!(map.divergence.unwrap() < 1.0, "{:?}", map.divergence);
    let kept = trustworthiness(&rows, 5, &map.places, 5).unwrap();
    assert!(kept > 0.85, "{kept}");
    assert_eq!(map, tsne(&rows, 5, &options, &mut |_| true));
}

#[test]
fn trustworthiness_is_that_of_scikit_learn() {
    // sklearn.manifold.trustworthiness(X, Y, n_neighbors=2) with X = [[0], [1], [3], [6], [10], [15]], Y = [[0], [3], [1], [2],
    // [9], [8]].
    let rows = [0.0, 1.0, 3.0, 6.0, 10.0, 15.0];
    let places = [0.0, 3.0, 1.0, 2.0, 9.0, 8.0].map(|x| [x, 0.0]);
    let found = trustworthiness(&rows, 1, &places, 2).unwrap();
    assert!((found - TRUST).abs() < 1e-12, "{found}");
    assert_eq!(trustworthiness(&rows, 1, &places, 3), None);
}

const TRUST: f64 = 11.0 / 15.0;

#[test]
fn few_equal_and_odd_rows_give_finite_places() {
    for rows in [vec![], vec![1.0], vec![1.0, 2.0], vec![1.0; 30], vec![1e100, -1e100, 0.0, 1.0, 2.0]] {
        let map =
            tsne(&rows, 1, &TsneOptions { perplexity: 2.0, rounds: 300, ..TsneOptions::default() }, &mut |_| true);
        assert_eq!(map.places.len(), rows.len());
        assert!(map.places.iter().flatten().all(|value| value.is_finite()), "{rows:?} {:?}", map.places);
    }
}
