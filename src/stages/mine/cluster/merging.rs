//! Clusters by merging the nearest, and the picture of the last merges.

use super::learn::{Found, choose_by_silhouette, too_few};
use super::memory::{HELP, failed, nearest_row};
use super::plan::{Cut, Number};
use crate::chart::{Axis, Figure, Join, Mark, Reference};
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::exhibit::Exhibit;
use crate::memory::MemoryManager;
use crate::mining::clustering::agglomerative::{Dendrogram, Linkage, agglomerate};
use crate::mining::clustering::{ClusteringError, Partition, distinct_rows};

/// Rows that Ward's method merges at most: its time grows with their square.
pub(super) const MOST_MERGED: usize = 100_000;
/// Leaves of the picture.
const LEAVES: usize = 30;

/// Merges the rows in memory and cuts the tree.
///
/// Errors: too many rows for the linkage (exit code 4); fewer rows than clusters; numbers too large to compare.
pub(super) fn learn(found: &mut Found, linkage: Linkage, cut: &Cut, seed: u64) -> Result<(), Diagnostic> {
    let (width, count) = (found.width, found.count());
    if linkage == Linkage::Ward && count > MOST_MERGED {
        let message = format!("`linkage: ward` merges at most {MOST_MERGED} rows, and there are {count}");
        return Err(Diagnostic::error(Class::Limit, message).help("say `sample: 20000`, or choose another `method`"));
    }
    let mut matrix = MemoryManager::process().reserve("agglomerative");
    if matches!(linkage, Linkage::Complete | Linkage::Average) {
        let reserved = matrix.try_grow(linkage.bytes(count as u64, width));
        reserved.map_err(|error| Diagnostic::from(error).help(HELP))?;
    }
    let tree = agglomerate(&found.rows, width, linkage).map_err(|error| failed(&error))?;
    drop(matrix);
    let some = |labels: Vec<u32>| labels.into_iter().map(Some).collect::<Vec<Option<u32>>>();
    let labels = match cut {
        Cut::Height(height) => some(tree.cut_at(*height)),
        Cut::Number(number @ Number::Given(k, _)) => {
            if *k > count {
                return Err(too_few(&ClusteringError::TooManyClusters { k: *k, rows: count }, number));
            }
            let differ = distinct_rows(&found.rows, width, *k);
            if differ < *k {
                found.remarks.push(format!("`k` is {k}, but only {differ} rows differ: there are {differ} clusters"));
            }
            some(tree.cut(differ.min(*k)))
        }
        Cut::Number(number @ Number::Auto(from, to)) => {
            let cut = |k: usize| Ok(some(tree.cut(k)));
            let chosen = choose_by_silhouette(&found.rows, width, (*from, *to), seed, cut);
            let (k, curve) = chosen.map_err(|error| too_few(&error, number))?;
            found.curve = Some(curve);
            some(tree.cut(k))
        }
    };
    // The order that the report has, so that the picture has the same numbers and colours.
    let partition = Partition::by_size(&labels);
    let k = partition.sizes.len();
    let at = match cut {
        Cut::Height(height) => Some(*height),
        Cut::Number(_) => between(&tree, k),
    };
    found.figures.extend(picture(&tree, &partition.labels, at));
    found.rule = Some(nearest_row(width, &found.rows, &partition.labels, vec![None; k], None));
    Ok(())
}

/// A height at which `k` clusters are left: between the last merge that was made and the next one.
fn between(tree: &Dendrogram, k: usize) -> Option<f64> {
    let next = tree.merges().len().checked_sub(k.checked_sub(1)?)?;
    let above = tree.merges().get(next)?.height;
    let below = next.checked_sub(1).and_then(|at| tree.merges().get(at)).map_or(0.0, |merge| merge.height);
    Some(below + (above - below) / 2.0)
}

/// The last merges as a dendrogram: its leaves are what is left when there are thirty parts.
fn picture(tree: &Dendrogram, labels: &[Option<u32>], cut: Option<f64>) -> Option<Exhibit> {
    let top = tree.top(LEAVES);
    if top.merges.is_empty() {
        return None;
    }
    let mut sizes = vec![0_u64; top.merges.len() + 1];
    // The clusters of a leaf: none seen yet, one, or several.
    let mut clusters: Vec<Option<Option<u32>>> = vec![None; sizes.len()];
    for (leaf, label) in top.leaves.iter().zip(labels) {
        if let (Some(size), Some(cluster)) = (sizes.get_mut(*leaf as usize), clusters.get_mut(*leaf as usize)) {
            *size += 1;
            *cluster = Some(match cluster {
                None => *label,
                Some(before) => before.filter(|before| *label == Some(*before)),
            });
        }
    }
    let groups: Vec<Option<u32>> = clusters.into_iter().map(Option::flatten).collect();
    let leaves = sizes.iter().zip(&groups).map(|(size, group)| match group {
        Some(group) => format!("cluster {}: {}", group + 1, digits::rows(*size)),
        None => format!("several clusters: {}", digits::rows(*size)),
    });
    let merges = top.merges.iter().map(|merge| Join { a: merge.a as usize, b: merge.b as usize, height: merge.height });
    let mark = crate::chart::Dendrogram { leaves: leaves.collect(), groups, merges: merges.collect() };
    let title = match mark.merges.len() {
        1 => "The last merge".to_owned(),
        merges => format!("The last {merges} merges"),
    };
    let mut figure = Figure::new(title, Mark::Dendrogram(mark));
    figure.subtitle = "what is joined farther right is less alike; a leaf holds what was merged before".to_owned();
    figure.y = Axis::labelled("distance at which parts are merged, on the scale of the comparison");
    figure.references.extend(cut.map(|cut| Reference::y(cut, "cut")));
    Some(Exhibit::Figure(Box::new(figure)))
}
