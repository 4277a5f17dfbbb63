//! A graph under construction: nodes, constants, and names that are given once.

use super::messages::FLOAT;
use super::messages::{Attribute, Dimension, Graph, INT64, Kind, Node, Tensor, TensorKind, TensorShape, ValueInfo};
use std::collections::HashSet;

/// A graph to which nodes are added in the order in which they are computed.
#[derive(Default)]
pub(super) struct Writer {
    graph: Graph,
    names: HashSet<String>,
}

pub(super) fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.to_owned(), f: Some(value), kind: 1, ..Attribute::default() }
}

pub(super) fn integer(name: &str, value: i64) -> Attribute {
    Attribute { name: name.to_owned(), i: Some(value), kind: 2, ..Attribute::default() }
}

pub(super) fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), s: Some(value.as_bytes().to_vec()), kind: 3, ..Attribute::default() }
}

pub(super) fn integers(name: &str, values: &[usize]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ints: values.iter().map(|&v| whole(v)).collect(),
        kind: 7,
        ..Attribute::default()
    }
}

/// Sizes of networks are far below the largest `i64`.
pub(super) fn whole(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Writer {
    /// A name that nothing has yet: `base`, or with a number after it.
    pub(super) fn fresh(&mut self, base: &str) -> String {
        let mut name = base.to_owned();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            name = format!("{base}.{number}");
            number += 1;
        }
        name
    }

    /// Adds a node, and returns the names of what it gives, as many as `wanted`; those that are not wanted have none.
    pub(super) fn node_of(
        &mut self,
        base: &str,
        operator: &str,
        inputs: &[&str],
        wanted: &[bool],
        attribute: Vec<Attribute>,
    ) -> Vec<String> {
        let output: Vec<String> =
            wanted.iter().map(|&wanted| if wanted { self.fresh(base) } else { String::new() }).collect();
        let name = output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let input = inputs.iter().map(|&name| name.to_owned()).collect();
        self.graph.node.push(Node { input, output: output.clone(), name, op_type: operator.to_owned(), attribute });
        output
    }

    /// Adds a node that gives one value, and returns its name.
    pub(super) fn node(&mut self, base: &str, operator: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        self.node_of(base, operator, inputs, &[true], attributes).swap_remove(0)
    }

    /// Adds a node that gives an output of the graph, whose name stands already.
    pub(super) fn last(&mut self, output: &str, operator: &str, input: &str, attribute: Vec<Attribute>) {
        self.graph.node.push(Node {
            input: vec![input.to_owned()],
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: operator.to_owned(),
            attribute,
        });
    }

    /// A constant of numbers.
    pub(super) fn floats(&mut self, base: &str, dimensions: &[usize], values: &[f32]) -> String {
        self.constant(base, FLOAT, dimensions, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A constant of whole numbers.
    pub(super) fn wholes(&mut self, base: &str, values: &[i64]) -> String {
        self.constant(base, INT64, &[values.len()], values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A constant of any type, whose bytes are little-endian.
    pub(super) fn constant(&mut self, base: &str, data_type: i32, dimensions: &[usize], raw_data: Vec<u8>) -> String {
        let name = self.fresh(base);
        let dims = dimensions.iter().map(|&d| whole(d)).collect();
        self.graph.initializer.push(Tensor { dims, data_type, name: name.clone(), raw_data });
        name
    }

    /// Declares an input of rows of these dimensions, and returns its name.
    pub(super) fn input(&mut self, name: &str, elem_type: i32, dimensions: &[usize]) -> String {
        let name = self.fresh(name);
        self.graph.input.push(rows(&name, elem_type, dimensions));
        name
    }

    /// Declares an output of rows of numbers, and returns its name.
    pub(super) fn output(&mut self, name: &str, width: usize) -> String {
        let name = self.fresh(name);
        self.graph.output.push(rows(&name, FLOAT, &[width]));
        name
    }

    /// The finished graph.
    pub(super) fn finish(mut self, name: &str) -> Graph {
        self.graph.name = name.to_owned();
        self.graph
    }
}

/// A value whose first dimension is the number of rows, which is known when the graph is run.
fn rows(name: &str, elem_type: i32, dimensions: &[usize]) -> ValueInfo {
    let mut dim = vec![Dimension { dim_value: None, dim_param: Some("rows".to_owned()) }];
    dim.extend(dimensions.iter().map(|&d| Dimension { dim_value: Some(whole(d)), dim_param: None }));
    let tensor_type = Some(TensorKind { elem_type, shape: Some(TensorShape { dim }) });
    ValueInfo { name: name.to_owned(), kind: Some(Kind { tensor_type }) }
}
