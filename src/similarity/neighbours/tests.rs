#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

/// Every distance, sorted.
fn truth(points: &[f64], query: &[f64], width: usize, except: Option<u32>) -> Vec<Near> {
    let all = points.chunks_exact(width).enumerate();
    let mut all: Vec<Near> = all
        .map(|(at, point)| Near { squared: squared_distance(query, point), point: at as u32 })
        .filter(|near| Some(near.point) != except)
        .collect();
    all.sort_by(|a, b| a.squared.total_cmp(&b.squared).then(a.point.cmp(&b.point)));
    all
}

/// Points on a coarse grid: many are equally far, many are the same.
fn points() -> impl Strategy<Value = (usize, Vec<f64>)> {
    (1_usize..5, 1_usize..120, any::<bool>()).prop_flat_map(|(width, count, coarse)| {
        let value = if coarse { (-3_i32..4).prop_map(f64::from).boxed() } else { (-1e3..1e3_f64).boxed() };
        (Just(width), prop::collection::vec(value, width * count))
    })
}

proptest! {
    #[test]
    fn tree_and_blocks_find_what_comparing_all_finds((width, points) in points(), k in 0_usize..9) {
        let count = points.len() / width;
        let expected: Vec<Vec<Near>> = points
            .chunks_exact(width)
            .enumerate()
            .map(|(at, query)| {
                let mut near = truth(&points, query, width, Some(at as u32));
                near.truncate(k);
                near
            })
            .collect();
        prop_assert_eq!(KdTree::new(&points, width).all_nearest(k), expected.clone());
        prop_assert_eq!(brute::all_nearest(&points, width, k), expected);
        let with_self: Vec<Vec<Near>> = points.chunks_exact(width).map(|query| {
            let mut near = truth(&points, query, width, None);
            near.truncate(k.min(count));
            near
        }).collect();
        prop_assert_eq!(nearest(&points, &points, width, k), with_self.clone());
        prop_assert_eq!(brute::nearest(&points, &points, width, k), with_self);
    }

    #[test]
    fn a_radius_finds_what_comparing_all_finds((width, points) in points(), radius in 0.0..5.0_f64, whole in any::<bool>()) {
        let radius = if whole { radius.round() } else { radius * 300.0 };
        let tree = KdTree::new(&points, width);
        for query in points.chunks_exact(width) {
            let mut expected = truth(&points, query, width, None);
            expected.retain(|near| near.squared <= radius * radius);
            prop_assert_eq!(tree.count_within(query, radius, usize::MAX), expected.len());
            prop_assert!(tree.count_within(query, radius, 2) >= expected.len().min(2));
            prop_assert_eq!(tree.within(query, radius), expected);
        }
    }
}

#[test]
fn many_equal_points_make_one_leaf() {
    let points = vec![2.5; 3 * 10_000];
    let tree = KdTree::new(&points, 3);
    assert_eq!(tree.nodes().len(), 1);
    let near = tree.nearest(&[2.5; 3], 4, Some(1));
    assert_eq!(near.iter().map(|near| near.point).collect::<Vec<_>>(), [0, 2, 3, 4]);
}

#[test]
fn many_columns_give_the_same_by_tree_and_by_blocks() {
    let (width, count) = (30, 700);
    let points: Vec<f64> =
        (0..width * count).map(|at| f64::from((at as u32).wrapping_mul(2_654_435_761) >> 20)).collect();
    assert_eq!(brute::all_nearest(&points, width, 7), KdTree::new(&points, width).all_nearest(7));
}

#[test]
fn no_points_have_no_neighbours() {
    assert!(KdTree::new(&[], 2).is_empty());
    assert!(KdTree::new(&[], 2).nearest(&[0.0, 0.0], 3, None).is_empty());
    assert!(all_nearest(&[], 2, 3).is_empty());
    assert_eq!(all_nearest(&[1.0, 2.0], 2, 3), vec![Vec::new()]);
    assert_eq!(nearest(&[], &[1.0, 2.0], 2, 3), vec![Vec::new()]);
}
