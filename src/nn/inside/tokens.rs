//! What each token of a text adds to an answer.

use super::super::error::Error;
use super::super::layers::Table;
use super::super::network::Network;
use super::super::plan::{Layout, Way};
use super::{Question, array, refused};
use ndarray::{Array2, ArrayView2};

impl Network {
    /// How much each token of an input adds to the answer: integrated gradients along the straight path on which the
    /// vectors of all its tokens grow from 0, which says nothing, to what they are, by the midpoint rule with `steps`
    /// points. Returns `[n, length]`; padding adds nothing. The sum over a row is the answer less the answer at the start
    /// of the path, up to the error of the rule, which falls with the square of `steps`. Time is that of `steps` ways
    /// there and back.
    ///
    /// Errors: as [`Network::node_gradients`], and [`Error::Targets`] where the input is none of tokens or `steps` is 0.
    pub fn token_attributions(
        &self,
        inputs: &[ArrayView2<'_, f32>],
        input: usize,
        question: Question<'_>,
        steps: usize,
    ) -> Result<Array2<f32>, Error> {
        let n = self.check_rows(inputs)?;
        question.check(&self.plan, n)?;
        let plan = &*self.plan;
        if plan.inputs.get(input).is_none_or(|input| input.tokens.is_none()) || steps == 0 {
            return Err(refused(format!("there are no tokens in input {input}, or no steps to them")));
        }
        let tables: Vec<(usize, &dyn Table)> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.inputs == [input])
            .filter_map(|(index, step)| Some((index, step.layer.table()?)))
            .collect();
        let layout = Layout::new(plan, Way::Explanation);
        let length = plan.values[input].size;
        let added = self.by_rows(plan, &layout, n, length, |workspace, start, rows, to| {
            to.fill(0.0);
            for step in 0..steps {
                let share = (step as f32 + 0.5) / steps as f32;
                let pass = self.fill(plan, &layout, workspace, inputs, start, rows);
                let mut next = 0;
                for (index, _) in &tables {
                    workspace.forward(pass, next..index + 1);
                    let values = workspace.value_mut(&layout, plan.steps[*index].output, rows);
                    values.iter_mut().for_each(|value| *value *= share);
                    next = index + 1;
                }
                workspace.forward(pass, next..plan.steps.len());
                question.ask(plan, &layout, workspace, start, rows);
                workspace.backward(pass, 0..plan.steps.len());
                for (index, table) in &tables {
                    let vectors = &self.parameters[plan.steps[*index].parameters.clone()];
                    let tokens = workspace.value(&layout, input, rows);
                    let gradients = workspace.gradient(&layout, plan.steps[*index].output, rows);
                    add_to_tokens(*table, vectors, tokens, gradients, to);
                }
            }
            to.iter_mut().for_each(|sum| *sum /= steps as f32);
        });
        Ok(array(n, length, added))
    }
}

/// Adds to each token the product of its vector, times the factor with which it counts, and the gradient by it.
fn add_to_tokens(table: &dyn Table, vectors: &[f32], tokens: &[f32], gradients: &[f32], to: &mut [f32]) {
    let size = table.row();
    let mut place = 0;
    // In order of the tokens, those that are padding left out.
    table.visit(tokens, gradients, None, &mut |row, factor, gradient| {
        while tokens.get(place).is_some_and(|token| *token as usize != row) {
            place += 1;
        }
        let vector = &vectors[row * size..(row + 1) * size];
        if let Some(to) = to.get_mut(place) {
            *to += factor * vector.iter().zip(gradient).map(|(v, g)| v * g).sum::<f32>();
        }
        place += 1;
    });
}
