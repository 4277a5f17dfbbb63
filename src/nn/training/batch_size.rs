//! A batch size chosen by the network and the memory.

use super::super::error::Error;
use super::super::network::Network;
use super::super::plan::{Plan, Step};
use super::TrainingOptions;
use super::cut::Cut;
use super::shards::Shards;

/// The smallest and the largest size that is chosen.
const LEAST: usize = 32;
const MOST: usize = 4096;
/// Up to this size a larger batch is faster whatever the network: a shard has as many rows as its products need, and
/// there are several.
const PRODUCTS: usize = 128;
/// An epoch keeps at least this many steps: with fewer it would learn little from many rows.
const STEPS: usize = 32;
/// A doubling that saves less than this share of the time is not worth its memory.
const WORTH: f64 = 0.05;
/// How many multiplications and additions of a matrix product take the time in which a sweep moves one number.
const PRODUCTS_PER_NUMBER: f64 = 8.0;
/// How often the optimizer's sweep touches a parameter.
const TOUCHES: f64 = 8.0;

/// The batch size for a training of `rows` rows in `memory` bytes: the largest power of two from 32 to 4096 with which
/// the training stays in the memory, an epoch still has 32 steps, and a row costs at least 5 % less than in batches of
/// half the size. The cost of a row is counted, not measured, so that the choice depends on the network alone: the work
/// of a row, and its share of what a step does to each parameter (adding up the gradients of the shards, the optimizer's
/// sweep). For those two only the memory lowers a size of 128: below it products are slow.
///
/// Errors: [`Error::Option`] where even batches of 32 rows need more memory.
pub fn automatic_batch_size(
    network: &Network,
    options: &TrainingOptions,
    rows: usize,
    memory: usize,
) -> Result<usize, Error> {
    let plan = &*network.plan;
    let bytes = |size: usize| Shards::bytes(plan, size).saturating_add(fixed_bytes(plan, options));
    if bytes(LEAST) > memory {
        let needed = bytes(LEAST).div_ceil(1 << 20);
        return Err(Error::Option {
            option: "batch_size",
            reason: format!("training in batches of {LEAST} rows needs {needed} MiB, there are {}", memory >> 20),
        });
    }
    let (row, step) = (work_of_a_row(plan), |size: usize| work_of_a_step(plan, size));
    let cost = |size: usize| row + step(size) / size as f64;
    let mut size = LEAST;
    while size < MOST {
        let next = 2 * size;
        let faster = cost(next) < (1.0 - WORTH) * cost(size) || next <= PRODUCTS;
        if !faster || bytes(next) > memory || rows / next < STEPS {
            break;
        }
        size = next;
    }
    Ok(size)
}

/// What training needs whatever the batch: parameters, the optimizer's memory, the best epoch, another try, gradients.
fn fixed_bytes(plan: &Plan, options: &TrainingOptions) -> usize {
    let copies = 4 + usize::from(options.early_stopping.is_some()) + if options.retry.is_some() { 3 } else { 0 };
    plan.parameter_count.saturating_mul(4 * copies)
}

/// The time of a row there and back, in numbers that a sweep moves.
pub(super) fn work_of_a_row(plan: &Plan) -> f64 {
    let products: f64 = plan
        .steps
        .iter()
        .filter(|step| step.layer.table().is_none())
        .map(|step| places(plan, step) * step.parameters.len() as f64)
        .sum();
    // One product on the way there and two on the way back.
    3.0 * products / PRODUCTS_PER_NUMBER + 2.0 * plan.row_size as f64
}

/// At how many places of a row each parameter of a layer is used: at those of what it reads or gives, whichever are fewer,
/// but by a layer that gives the last place of a sequence at all places of it.
pub(super) fn places(plan: &Plan, step: &Step) -> f64 {
    let count = |value: usize| {
        let dimensions = plan.values[value].shape.dimensions();
        dimensions.split_last().map_or(1, |(_, before)| before.iter().product::<usize>()) as f64
    };
    let (reads, gives) = (count(step.inputs[0]), count(step.output));
    if plan.values[step.output].shape.flat().is_some() { reads } else { gives }
}

/// The time of what a step does besides its rows.
fn work_of_a_step(plan: &Plan, size: usize) -> f64 {
    (Cut::of(plan).count(size) as f64 + TOUCHES) * plan.dense_count as f64
}
