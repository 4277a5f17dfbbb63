#![allow(clippy::unwrap_used)]
//! Against scikit-learn and SciPy (`tests/oracle/cluster.py`), and against slower ways to the same end.

use proptest::prelude::*;

use super::agglomerative::{Linkage, agglomerate};
use super::dbscan::dbscan;
use super::hdbscan::{HdbscanOptions, Selection, core_distances, hdbscan, spanning_tree};
use super::kmeans::{KMeansOptions, assign, kmeans, kmeans_from};
use super::mini_batch::MiniBatch;
use super::mixture::{Covariance, MixtureOptions, mixture, mixture_from};
use super::{ClusteringError, Partition, distinct_rows, quality};
use crate::similarity::neighbours::squared_distance;
use crate::statistics::clusters::centres::Centres;
use crate::statistics::oracle::{Case, assert_close, cases};

fn oracle(section: &str) -> Vec<Case> {
    cases(include_str!("../../../tests/data/oracle/cluster.json"), section)
}

fn points(case: &Case) -> (Vec<f64>, usize) {
    let name = case.text("set");
    let set = oracle("points").into_iter().find(|set| set.text("name") == name).unwrap();
    (set.list("values"), set.integer("width") as usize)
}

fn labels(case: &Case, name: &str) -> Vec<Option<u32>> {
    case.value(name).as_array().unwrap().iter().map(|value| value.as_u64().map(|label| label as u32)).collect()
}

fn some(labels: &[u32]) -> Vec<Option<u32>> {
    labels.iter().copied().map(Some).collect()
}

/// Labels by the order of their first rows: two lists of them are equal when they mean the same clusters.
fn canonical(labels: &[Option<u32>]) -> Vec<Option<usize>> {
    let mut seen: Vec<u32> = Vec::new();
    labels
        .iter()
        .map(|label| {
            let label = (*label)?;
            Some(seen.iter().position(|other| *other == label).unwrap_or_else(|| {
                seen.push(label);
                seen.len() - 1
            }))
        })
        .collect()
}

fn close(found: &[f64], expected: &[f64], relative: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= relative * expected.abs().max(1.0), "{what}: {found} is not {expected}");
    }
}

#[test]
fn kmeans_from_given_centres_ends_where_scikit_learn_ends() {
    for case in oracle("kmeans") {
        let (x, width) = points(&case);
        let k = case.integer("k") as usize;
        let centres = Centres { width, values: x[..k * width].to_vec() };
        let found = kmeans_from(&x, centres, &KMeansOptions::default()).unwrap();
        assert_close(found.inertia, case.number("inertia"), 1e-9, "inertia");
        close(&found.centres.values, &case.list("centres"), 1e-9, "centres");
        assert_eq!(some(&found.labels), labels(&case, "labels"));
        assert_eq!(found.iterations as u64, case.integer("iterations"));
        assert!(found.converged);
    }
}

#[test]
fn ten_starts_are_as_good_as_those_of_scikit_learn() {
    for case in oracle("best") {
        let (x, width) = points(&case);
        let options = KMeansOptions { k: case.integer("k") as usize, ..KMeansOptions::default() };
        let mut inertias: Vec<f64> =
            (0..10).map(|seed| kmeans(&x, width, &KMeansOptions { seed, ..options }).unwrap().inertia).collect();
        inertias.sort_by(f64::total_cmp);
        assert!(inertias[0] <= case.number("best") * 1.002, "{inertias:?}");
        assert!(inertias[5] <= case.number("worst") * 1.002, "{inertias:?}");
    }
}

#[test]
fn mini_batches_move_the_centres_as_in_scikit_learn() {
    for case in oracle("mini_batch") {
        let (x, width) = points(&case);
        let k = case.integer("k") as usize;
        let mut learner = MiniBatch::new(Centres { width, values: x[..k * width].to_vec() });
        x.chunks(case.integer("batch") as usize * width).for_each(|batch| learner.learn(batch));
        close(&learner.centres().values, &case.list("centres"), 1e-9, "centres");
    }
}

#[test]
fn mixtures_are_those_of_scikit_learn() {
    for case in oracle("mixture") {
        let (x, width) = points(&case);
        let covariance = match case.text("covariance").as_str() {
            "full" => Covariance::Full,
            "diag" => Covariance::Diag,
            "spherical" => Covariance::Spherical,
            _ => Covariance::Tied,
        };
        let k = case.integer("k") as usize;
        let first: Vec<u32> = labels(&case, "first").into_iter().flatten().collect();
        let options = MixtureOptions { k, covariance, ..MixtureOptions::default() };
        let found = mixture_from(&x, width, &first, &options).unwrap();
        let what = format!("{} {covariance:?}", case.text("set"));
        close(&found.mixture.means, &case.list("means"), 1e-9, &what);
        close(&found.mixture.weights, &case.list("weights"), 1e-9, &what);
        assert_close(found.log_likelihood, case.number("log_likelihood"), 1e-9, &what);
        assert_close(found.bic(), case.number("bic"), 1e-9, &what);
        assert_close(found.aic(), case.number("aic"), 1e-9, &what);
        assert_eq!(some(&found.labels), labels(&case, "labels"), "{what}");
        assert_eq!(found.iterations as u64, case.integer("iterations"), "{what}");
    }
}

#[test]
fn dbscan_finds_the_cores_and_the_noise_of_scikit_learn() {
    for case in oracle("dbscan") {
        let (x, width) = points(&case);
        let radius = case.number("radius");
        let found = dbscan(&x, width, radius, case.integer("min_points") as usize).unwrap();
        let cores: Vec<f64> = found.cores.iter().map(|at| f64::from(*at)).collect();
        assert_eq!(cores, case.list("cores"));
        let expected = labels(&case, "labels");
        let core = |labels: &[Option<u32>]| -> Vec<Option<u32>> {
            found.cores.iter().map(|at| labels[*at as usize]).collect()
        };
        assert_eq!(canonical(&core(&found.labels)), canonical(&core(&expected)));
        for (found, expected) in found.labels.iter().zip(&expected) {
            assert_eq!(found.is_none(), expected.is_none());
        }
    }
}

/// Against the definition of the paper to the last point, ties among the distances too; against scikit-learn in those points of
/// which it says the same in every order of the rows.
#[test]
fn hdbscan_finds_the_clusters_of_the_paper_and_those_of_scikit_learn() {
    let mut compared = 0;
    for case in oracle("hdbscan") {
        let (x, width) = points(&case);
        let options = HdbscanOptions {
            min_cluster_size: case.integer("min_cluster_size") as usize,
            min_samples: case.integer("min_samples") as usize,
            selection: if case.text("selection") == "leaf" { Selection::Leaf } else { Selection::ExcessOfMass },
        };
        let found = hdbscan(&x, width, &options).unwrap();
        let what = format!("{} {options:?}", case.text("set"));
        assert_eq!(canonical(&found.labels), canonical(&labels(&case, "labels")), "{what}");
        close(&found.strengths, &case.list("strengths"), 1e-9, &what);
        if case.value("unsettled").is_null() {
            continue;
        }
        compared += 1;
        let unsettled = case.list("unsettled");
        // On the grid nearly all distances tie.
        let most = if case.text("set") == "grid" { 3 } else { 20 };
        assert!(unsettled.len() * most <= found.labels.len(), "{what}: {unsettled:?}");
        let settled: Vec<usize> = (0..found.labels.len()).filter(|at| !unsettled.contains(&(*at as f64))).collect();
        let of = |labels: &[Option<u32>]| settled.iter().map(|at| labels[*at]).collect::<Vec<_>>();
        assert_eq!(canonical(&of(&found.labels)), canonical(&of(&labels(&case, "sklearn_labels"))), "{what}");
        let strengths = case.list("sklearn_strengths");
        let [ours, theirs] =
            [&found.strengths, &strengths].map(|all| settled.iter().map(|at| all[*at]).collect::<Vec<_>>());
        close(&ours, &theirs, 1e-9, &what);
    }
    assert!(compared >= 15, "{compared}");
}

#[test]
fn merges_have_the_heights_of_scipy() {
    for case in oracle("agglomerative") {
        let (x, width) = points(&case);
        let linkage = match case.text("linkage").as_str() {
            "ward" => Linkage::Ward,
            "complete" => Linkage::Complete,
            "average" => Linkage::Average,
            _ => Linkage::Single,
        };
        let tree = agglomerate(&x, width, linkage).unwrap();
        let heights: Vec<f64> = tree.merges().iter().map(|merge| merge.height).collect();
        close(&heights, &case.list("heights"), 1e-9, "heights");
        for (k, name) in [(4, "four"), (9, "nine")] {
            let expected = labels(&case, name);
            assert_eq!(canonical(&some(&tree.cut(k))), canonical(&expected), "{linkage:?} {k}");
        }
    }
}

#[test]
fn quality_is_measured_as_by_scikit_learn() {
    for case in oracle("quality") {
        let (x, width) = points(&case);
        let labels = labels(&case, "labels");
        let found: Vec<f64> = quality::silhouettes(&x, width, &labels).unwrap().into_iter().flatten().collect();
        close(&found, &case.list("silhouettes"), 1e-9, "silhouettes");
        let found = quality::davies_bouldin(&x, width, &labels).unwrap();
        assert_close(found, case.number("davies_bouldin"), 1e-9, "davies_bouldin");
        let found = quality::calinski_harabasz(&x, width, &labels).unwrap();
        assert_close(found, case.number("calinski_harabasz"), 1e-9, "calinski_harabasz");
    }
}

#[test]
fn nothing_to_divide_is_said() {
    let options = KMeansOptions { k: 3, ..KMeansOptions::default() };
    assert_eq!(kmeans(&[], 2, &options), Err(ClusteringError::NoRows));
    assert_eq!(kmeans(&[1.0, 2.0], 1, &options), Err(ClusteringError::TooManyClusters { k: 3, rows: 2 }));
    assert_eq!(kmeans(&[1e300, 2.0, -1e300], 1, &options), Err(ClusteringError::Overflow));
    assert_eq!(dbscan(&[f64::NAN], 1, 1.0, 1), Err(ClusteringError::Overflow));
    assert_eq!(agglomerate(&[], 1, Linkage::Ward), Err(ClusteringError::NoRows));
    assert_eq!(agglomerate(&[1.0], 1, Linkage::Ward).unwrap().cut(3), [0]);
    assert_eq!(
        hdbscan(&[1.0, 2.0], 1, &HdbscanOptions::default()),
        Err(ClusteringError::TooFewNeighbours { needed: 5, rows: 2 })
    );
    let one = hdbscan(&[1.0], 1, &HdbscanOptions { min_samples: 1, ..HdbscanOptions::default() }).unwrap();
    assert_eq!(one.labels, [None]);
}

#[test]
fn equal_rows_make_as_many_clusters_as_rows_differ() {
    let x = [1.0, 1.0, 2.0, 2.0, 2.0, 5.0];
    assert_eq!(distinct_rows(&x, 1, 99), 3);
    let found = kmeans(&x, 1, &KMeansOptions { k: 5, ..KMeansOptions::default() }).unwrap();
    assert_eq!((found.centres.len(), found.inertia), (3, 0.0));
    let found = mixture(&x, 1, &MixtureOptions { k: 5, ..MixtureOptions::default() }).unwrap();
    assert_eq!(Partition::of(&found.labels).sizes, [3, 2, 1]);
    let found = hdbscan(&[7.0; 5000], 1, &HdbscanOptions::default()).unwrap();
    assert_eq!(found.labels, vec![None; 5000], "one place is no cluster among others");
}

#[test]
fn a_centre_that_loses_its_points_gets_new_ones() {
    let x: Vec<f64> = (0..50).map(f64::from).collect();
    let far = Centres { width: 1, values: vec![25.0, 1e6, -1e6] };
    let found = kmeans_from(&x, far, &KMeansOptions::default()).unwrap();
    let sizes = Partition::of(&found.labels).sizes;
    assert_eq!(sizes.len(), 3);
    assert!(sizes[2] >= 10, "{sizes:?}");
}

#[test]
fn any_number_of_threads_gives_the_same_clusters() {
    let x: Vec<f64> = (0..60_000_u32).map(|at| f64::from(at.wrapping_mul(2_654_435_761) >> 12) / 1e5).collect();
    let run = || {
        let kmeans = kmeans(&x, 3, &KMeansOptions { k: 7, starts: 2, iterations: 20, ..KMeansOptions::default() });
        let options = MixtureOptions { k: 3, iterations: 5, starts: 1, ..MixtureOptions::default() };
        let few = &x[..9_000];
        (
            kmeans.unwrap(),
            mixture(few, 3, &options).unwrap(),
            dbscan(few, 3, 0.5, 5).unwrap(),
            hdbscan(few, 3, &HdbscanOptions::default()).unwrap(),
            agglomerate(&x[..6_000], 3, Linkage::Ward).unwrap(),
        )
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert!(pool(1).install(run) == pool(3).install(run));
}

/// Points of one to three columns; on a coarse grid many are equal.
fn any_points() -> impl Strategy<Value = (usize, Vec<f64>)> {
    (1_usize..4, 2_usize..40, any::<bool>()).prop_flat_map(|(width, count, coarse)| {
        let value = if coarse { (-4_i32..5).prop_map(f64::from).boxed() } else { (-10.0..10.0_f64).boxed() };
        (Just(width), prop::collection::vec(value, width * count))
    })
}

/// Lloyd's algorithm as it stands in books: the inertia after each assignment.
fn lloyd(points: &[f64], mut centres: Centres, iterations: usize) -> Vec<f64> {
    let width = centres.width;
    let mut inertias = Vec::new();
    for _ in 0..iterations {
        let (labels, inertia) = assign(points, &centres);
        inertias.push(inertia);
        for at in 0..centres.len() {
            let own: Vec<&[f64]> =
                points.chunks_exact(width).zip(&labels).filter(|(_, l)| **l as usize == at).map(|(p, _)| p).collect();
            for column in 0..width {
                if !own.is_empty() {
                    let mean = own.iter().map(|point| point[column]).sum::<f64>() / own.len() as f64;
                    centres.values[at * width + column] = mean;
                }
            }
        }
    }
    inertias
}

/// The heights of merges when the two nearest clusters are looked for anew each time, over all pairs of points.
fn naive(points: &[f64], width: usize, linkage: Linkage) -> Vec<f64> {
    let at = |i: usize| &points[i * width..(i + 1) * width];
    let mut clusters: Vec<Vec<usize>> = (0..points.len() / width).map(|i| vec![i]).collect();
    let centre = |cluster: &[usize]| -> Vec<f64> {
        (0..width).map(|c| cluster.iter().map(|i| at(*i)[c]).sum::<f64>() / cluster.len() as f64).collect()
    };
    let mut heights = Vec::new();
    while clusters.len() > 1 {
        let mut best = (f64::INFINITY, 0, 0);
        for i in 0..clusters.len() {
            for j in 0..i {
                let pairs = clusters[i]
                    .iter()
                    .flat_map(|a| clusters[j].iter().map(|b| squared_distance(at(*a), at(*b)).sqrt()));
                let (n, m) = (clusters[i].len() as f64, clusters[j].len() as f64);
                let distance = match linkage {
                    Linkage::Single => pairs.fold(f64::INFINITY, f64::min),
                    Linkage::Complete => pairs.fold(0.0, f64::max),
                    Linkage::Average => pairs.sum::<f64>() / n / m,
                    Linkage::Ward => {
                        (2.0 * n * m / (n + m) * squared_distance(&centre(&clusters[i]), &centre(&clusters[j]))).sqrt()
                    }
                };
                if distance < best.0 {
                    best = (distance, i, j);
                }
            }
        }
        heights.push(best.0);
        let merged = clusters.swap_remove(best.1);
        clusters[best.2].extend(merged);
    }
    heights
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn bounds_change_nothing_and_no_iteration_makes_it_worse((width, x) in any_points(), k in 1_usize..6) {
        let k = k.min(x.len() / width);
        let centres = Centres { width, values: x[..k * width].to_vec() };
        let plain = lloyd(&x, centres.clone(), 30);
        for pair in plain.windows(2) {
            prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-12) + 1e-12);
        }
        let mut before = f64::INFINITY;
        for iterations in [1, 2, 3, 5, 30] {
            let options = KMeansOptions { k, iterations, tolerance: 0.0, ..KMeansOptions::default() };
            let found = kmeans_from(&x, centres.clone(), &options).unwrap();
            prop_assert!(found.inertia <= before * (1.0 + 1e-12) + 1e-12);
            before = found.inertia;
        }
        // Equal distances may be told apart otherwise, so that the two end at different optima only on the grid; a centre
        // without points is given some.
        let distinct = distinct_rows(&centres.values, width, k) == k;
        let is_grid = x.iter().all(|value| value.fract() == 0.0);
        if distinct && !is_grid {
            let last = plain.last().unwrap();
            prop_assert!((before - last).abs() <= 1e-9 * last + 1e-9, "{} {}", before, last);
        }
    }

    #[test]
    fn the_chain_merges_as_looking_at_all_pairs_does((width, x) in any_points()) {
        let is_grid = x.iter().all(|value| value.fract() == 0.0);
        for linkage in [Linkage::Single, Linkage::Complete, Linkage::Average, Linkage::Ward] {
            // Equal distances can be merged in several orders, which lead to different heights, except for single linkage.
            if is_grid && linkage != Linkage::Single {
                continue;
            }
            let tree = agglomerate(&x, width, linkage).unwrap();
            let found: Vec<f64> = tree.merges().iter().map(|merge| merge.height).collect();
            let expected = naive(&x, width, linkage);
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-9, "{:?} {} {}", linkage, found, expected);
            }
            let last = tree.merges().last().unwrap();
            prop_assert_eq!(last.size as usize, x.len() / width);
            for k in 1..=x.len() / width {
                let clusters = tree.cut(k).into_iter().max().unwrap() as usize + 1;
                prop_assert_eq!(clusters, k);
            }
        }
    }

    #[test]
    fn both_spanning_trees_are_equally_long((width, x) in any_points(), min_samples in 1_usize..5) {
        let cores = core_distances(&x, width, min_samples.min(x.len() / width));
        let length = |mut edges: Vec<spanning_tree::Edge>| {
            edges.sort_by(|a, b| a.length.total_cmp(&b.length));
            edges.into_iter().map(|edge| edge.length).collect::<Vec<f64>>()
        };
        let by_rounds = length(spanning_tree::boruvka(&x, width, &cores));
        prop_assert_eq!(by_rounds.len() + 1, x.len() / width);
        prop_assert_eq!(by_rounds, length(spanning_tree::prim(&x, width, &cores)));
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter_to_hdbscan((width, x) in any_points(), least in 1_usize..5, leaf in any::<bool>()) {
        let count = x.len() / width;
        let selection = if leaf { Selection::Leaf } else { Selection::ExcessOfMass };
        let options = HdbscanOptions { min_cluster_size: 3, min_samples: least.min(count), selection };
        // Every third row first, then the others, backwards.
        let mut order: Vec<usize> = (0..count).filter(|at| at % 3 == 0).chain((0..count).filter(|at| at % 3 != 0)).collect();
        order.reverse();
        let shuffled: Vec<f64> = order.iter().flat_map(|at| &x[at * width..(at + 1) * width]).copied().collect();
        let (found, other) = (hdbscan(&x, width, &options).unwrap(), hdbscan(&shuffled, width, &options).unwrap());
        let labels: Vec<Option<u32>> = order.iter().map(|at| found.labels[*at]).collect();
        prop_assert_eq!(canonical(&labels), canonical(&other.labels));
        for (at, other) in order.iter().zip(&other.strengths) {
            prop_assert!((found.strengths[*at] - other).abs() < 1e-12);
        }
    }

    #[test]
    fn the_last_merges_have_the_clusters_of_a_cut_as_leaves((width, x) in any_points(), leaves in 1_usize..12) {
        let count = x.len() / width;
        let tree = agglomerate(&x, width, Linkage::Ward).unwrap();
        let top = tree.top(leaves);
        let leaves = leaves.min(count);
        prop_assert_eq!(&top.leaves, &tree.cut(leaves));
        prop_assert_eq!(top.merges.len() + 1, leaves);
        // Sizes of parts, from the leaves up, are those that the merges tell.
        let mut sizes: Vec<u32> = (0..leaves as u32).map(|leaf| top.leaves.iter().filter(|of| **of == leaf).count() as u32).collect();
        for merge in &top.merges {
            sizes.push(sizes[merge.a as usize] + sizes[merge.b as usize]);
            prop_assert_eq!(sizes.last(), Some(&merge.size));
        }
    }

    #[test]
    fn dbscan_is_what_its_definition_says((width, x) in any_points(), radius in 0.0..6.0_f64, least in 1_usize..6) {
        let found = dbscan(&x, width, radius, least).unwrap();
        let at = |i: usize| &x[i * width..(i + 1) * width];
        let near = |i: usize, j: usize| squared_distance(at(i), at(j)) <= radius * radius;
        let count = x.len() / width;
        let is_core: Vec<bool> = (0..count).map(|i| (0..count).filter(|j| near(i, *j)).count() >= least).collect();
        for i in 0..count {
            prop_assert_eq!(is_core[i], found.cores.contains(&(i as u32)));
            let reached = (0..count).any(|j| is_core[j] && near(i, j) && found.labels[j] == found.labels[i]);
            prop_assert_eq!(found.labels[i].is_some(), reached);
            for j in 0..count {
                if is_core[i] && is_core[j] && near(i, j) {
                    prop_assert_eq!(found.labels[i], found.labels[j]);
                }
            }
        }
        // Cores of one cluster are connected: fewer labels than by definition would be too coarse.
        let mut group: Vec<usize> = (0..count).collect();
        for _ in 0..count {
            for i in 0..count {
                for j in 0..count {
                    if is_core[i] && is_core[j] && near(i, j) {
                        group[i] = group[i].min(group[j]);
                    }
                }
            }
        }
        let of = |values: Vec<usize>| values.into_iter().collect::<std::collections::BTreeSet<_>>().len();
        let expected = of((0..count).filter(|i| is_core[*i]).map(|i| group[i]).collect());
        prop_assert_eq!(of(found.labels.iter().flatten().map(|label| *label as usize).collect()), expected);
    }

    #[test]
    fn the_largest_cluster_comes_first(labels in prop::collection::vec(prop::option::of(0_u32..6), 0..60)) {
        let found = Partition::by_size(&labels);
        prop_assert!(found.sizes.windows(2).all(|pair| pair[0] >= pair[1]));
        prop_assert_eq!(found.sizes.iter().sum::<u64>() + found.noise(), labels.len() as u64);
        for (new, old) in found.labels.iter().zip(&labels) {
            prop_assert_eq!(new.map(|new| found.before[new as usize]), *old);
        }
    }
}
