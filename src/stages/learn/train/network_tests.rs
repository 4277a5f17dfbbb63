#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
//! What networks come out of what is written, and what does not fit.

use super::*;
use crate::definition::{LoadOptions, parse};
use crate::diagnostic::Source;
use crate::tensor::{BlockKind, TABLE};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    network: Option<Vec<Spanned<Layer>>>,
    inputs: Option<Ordered<super::Layers>>,
    #[serde(default)]
    fusion: Vec<Spanned<Layer>>,
    #[serde(default)]
    outputs: Ordered<Output>,
}

fn written(yaml: &str) -> Result<Written, Vec<String>> {
    let source = Source::new("p.yaml", format!("name: p\nstages:\n  - train: {yaml}\n"));
    let texts = |findings: Vec<Diagnostic>| findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    let pipeline = parse(source, &LoadOptions::default(), std::path::Path::new("")).map_err(texts)?;
    let Options { network, inputs, fusion, outputs } = pipeline.stages[0].decode().map_err(texts)?;
    Ok(Written { network, inputs, fusion, outputs })
}

fn block(name: &str, shape: &[usize], tokens: Option<usize>, kind: BlockKind) -> Block {
    Block { name: name.to_owned(), shape: shape.to_vec(), tokens, kind, dimension: None }
}

fn table(width: usize) -> Block {
    block(TABLE, &[width], None, BlockKind::Table)
}

fn image() -> Block {
    block("photo", &[28, 28, 1], None, BlockKind::Image)
}

fn text() -> Block {
    block("review", &[40], Some(5000), BlockKind::Text)
}

fn asked(names: &[&str]) -> Vec<Asked> {
    let asked = |name: &&str| Asked { name: (*name).to_owned(), head: Head::Binary, loss: None, weight: 1.0 };
    names.iter().map(asked).collect()
}

fn assemble(yaml: &str, blocks: &[Block], targets: &[&str]) -> Result<Vec<(String, String)>, String> {
    let written = written(yaml).map_err(|texts| texts.join("; "))?;
    let assembled =
        written.assemble(blocks, &asked(targets), Class::Definition).map_err(|finding| finding.to_string())?;
    let summary = assembled.spec.summary().unwrap();
    Ok(summary.layers.into_iter().map(|row| (row.layer, row.output.to_string())).collect())
}

fn shapes(yaml: &str, blocks: &[Block], targets: &[&str]) -> Vec<(String, String)> {
    assemble(yaml, blocks, targets).unwrap()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(layer, shape)| ((*layer).to_owned(), (*shape).to_owned())).collect()
}

#[test]
fn a_list_of_layers_reads_the_only_kind_of_input() {
    assert_eq!(
        shapes("{network: [{dense: 8}, {dropout: 0.1}]}", &[table(3)], &["y"]),
        pairs(&[("layer_1 (dense)", "[8]"), ("layer_2 (dropout)", "[8]"), ("head (dense)", "[1]")])
    );
    assert_eq!(
        shapes("{network: [{conv2d: 4}, {average_pool: 2}, flatten]}", &[image()], &["y"]),
        // 28 - 3 + 1 = 26; 26 / 2 = 13; 13 * 13 * 4 = 676
        pairs(&[
            ("layer_1 (conv2d)", "[26, 26, 4]"),
            ("layer_2 (average_pool)", "[13, 13, 4]"),
            ("layer_3 (flatten)", "[676]"),
            ("head (dense)", "[1]")
        ])
    );
    assert_eq!(
        shapes("{network: [{embedding: 16}, {bidirectional: {lstm: 8}}]}", &[text()], &["y"]).last().unwrap().1,
        "[1]"
    );
}

#[test]
fn embedded_categories_are_joined_with_the_table() {
    // 1.6 * 50^0.56 = 14.3
    let city = block("city", &[1], Some(50), BlockKind::Category);
    assert_eq!(
        shapes("{network: [{dense: 8}]}", &[table(3), city], &["y"]),
        pairs(&[
            ("city_embedding (embedding)", "[1, 14]"),
            ("city_vector (flatten)", "[14]"),
            ("joined (concatenate)", "[17]"),
            ("layer_1 (dense)", "[8]"),
            ("head (dense)", "[1]")
        ])
    );
}

#[test]
fn inputs_meet_in_the_fusion_and_targets_have_ends_of_their_own() {
    let rows = shapes(
        "{inputs: {table: [{dense: 8}], review: [{embedding_bag: 16}]}, fusion: [{dense: 12}], outputs: {delay: [{dense: 6}]}}",
        &[table(3), text()],
        &["late", "delay"],
    );
    assert_eq!(
        rows,
        pairs(&[
            ("table_1 (dense)", "[8]"),
            ("review_1 (embedding_bag)", "[16]"),
            ("joined (concatenate)", "[24]"),
            ("fusion_1 (dense)", "[12]"),
            ("head (dense)", "[1]"),
            ("delay_1 (dense)", "[6]"),
            ("head_delay (dense)", "[1]")
        ])
    );
    // A table that is not named is joined as it is.
    let rows = shapes("{inputs: {review: [{embedding_bag: 16}]}}", &[table(3), text()], &["y"]);
    assert!(rows.contains(&("joined (concatenate)".to_owned(), "[19]".to_owned())), "{rows:?}");
}

#[test]
fn all_layers_can_be_written_in_short_and_in_long() {
    let short = "{network: [{residual: [{conv1d: 6}]}, batch_norm, layer_norm, scale, {max_pool: 2}, {activation: gelu}, \
                 position, {attention: 2}, {gru: 4}]}";
    let long = "{network: [{residual: {layers: [{conv1d: {filters: 6, kernel: 3, stride: 1, padding: valid, dilation: 1, \
                groups: 1, activation: relu, bias: true}}], activation: relu}}, {batch_norm: {momentum: 0.1, epsilon: \
                1e-5}}, {layer_norm: {epsilon: 1e-5}}, {scale: {rate: 6}}, {max_pool: {window: [2, 2], padding: valid}}, \
                {activation: gelu}, {position: {waves: false}}, {attention: {heads: 2, causal: false}}, {gru: {units: 4, \
                sequences: false, backward: false}}]}";
    // A convolution without padding shortens the sequence, so the way around has no layer for it: here it does not matter.
    assert_eq!(written(short).unwrap(), written(long).unwrap());
    let whole = "{network: [{conv2d: {filters: 4, kernel: [3, 5], stride: 2, padding: same, dilation: 1, groups: 1}}, \
                 {max_pool: [2, 2]}, {average_pool: {window: 2, stride: 1, padding: 1}}, global_max_pool, {dense: {units: 3, \
                 activation: leaky_relu, bias: false}}, {activation: softmax}]}";
    assert_eq!(shapes(whole, &[image()], &["y"])[0], ("layer_1 (conv2d)".to_owned(), "[14, 14, 4]".to_owned()));
}

#[test]
fn layers_that_look_tokens_up_may_drop_some() {
    let yaml = "{inputs: {review: [{embedding_bag: {size: 4, token_dropout: 0.3}}], title: [{embedding: {size: 2, \
                token_dropout: 0.1}}, global_average_pool]}}";
    let title = block("title", &[9], Some(50), BlockKind::Text);
    let assembled = written(yaml).unwrap().assemble(&[text(), title], &asked(&["y"]), Class::Definition).unwrap();
    let dropped = |layer: &nn::LayerSpec| match layer {
        nn::LayerSpec::EmbeddingBag(bag) => Some(bag.token_dropout),
        nn::LayerSpec::Embedding(embedding) => Some(embedding.token_dropout),
        _ => None,
    };
    let found: Vec<f64> = assembled.spec.nodes.iter().filter_map(|node| dropped(&node.layer)).collect();
    assert_eq!(found, [0.3, 0.1]);
    assert_eq!(
        written("{network: [{embedding_bag: 4}]}"),
        written("{network: [{embedding_bag: {size: 4, token_dropout: 0}}]}")
    );
}

#[test]
fn the_layer_that_does_not_fit_is_shown_with_what_reaches_it() {
    for (yaml, blocks, expected) in [
        (
            "{network: [{dense: 8}, {conv2d: 4}]}",
            vec![table(3)],
            "p.yaml:3:35: layer_2 (conv2d): a conv2d layer reads images [height, width, channels], these rows are [8]",
        ),
        (
            "{network: [{conv2d: 4}, {residual: [{conv2d: 4}, {attention: 3}]}, flatten]}",
            vec![image()],
            "p.yaml:3:61: layer_2 layer_2 (attention): attention reads sequences [length, features], these rows are [24, 24, 4]",
        ),
        (
            "{network: [{conv2d: 4}]}",
            vec![image()],
            "p.yaml:3:23: rows of [26, 26, 4] reach a target, which needs flat rows (end the layers with `flatten`, \
             `global_average_pool` or `global_max_pool`)",
        ),
        (
            "{network: []}",
            vec![text()],
            "tokens reach a target as they are (look them up first: `{embedding_bag: 64}`, or `{embedding: 64}` with layers \
             after it)",
        ),
        (
            "{network: [{dense: 4}]}",
            vec![text()],
            "p.yaml:3:23: layer_1 (dense): it reads numbers, these are tokens; put an embedding before it",
        ),
        (
            "{network: [{dense: 4}]}",
            vec![table(2), text()],
            "there are inputs of 2 kinds, and one list of layers reads one (say what reads each of them: `inputs: {table: \
             [..], review: [..]}, fusion: [{dense: 64}]`)",
        ),
        (
            "{inputs: {table: [{dense: 4}]}}",
            vec![table(2), image()],
            "nothing reads the input `photo` (say what does: `inputs: {photo: [{conv2d: 16}, {max_pool: 2}, \
             global_average_pool]}`)",
        ),
        (
            "{inputs: {phot: [flatten]}}",
            vec![table(2), image()],
            "p.yaml:3:22: there is no input `phot`: did you mean `photo`?",
        ),
        (
            "{inputs: {photo: [{conv2d: 2}]}}",
            vec![table(2), image()],
            "p.yaml:3:30: rows of [26, 26, 2] reach the fusion, which needs flat rows (end the layers with `flatten`, \
             `global_average_pool` or `global_max_pool`)",
        ),
        (
            "{network: [{embedding_bag: {size: 4, token_dropout: 1.5}}]}",
            vec![text()],
            "p.yaml:3:23: layer_1 (embedding_bag): token_dropout lies in [0, 1), it is 1.5",
        ),
        (
            "{network: [{conv1d: {filters: 3, kernel: 50}}]}",
            vec![block("sound", &[40, 8], None, BlockKind::Audio)],
            "p.yaml:3:23: layer_1 (conv1d): ",
        ),
    ] {
        let error = assemble(yaml, &blocks, &["y"]).unwrap_err();
        assert!(error.starts_with(expected), "{yaml}\n{error}\n{expected}");
    }
}

#[test]
fn names_with_dots_and_double_names_are_no_trouble() {
    let blocks = [
        table(1),
        block("a.b/c", &[1], Some(3), BlockKind::Category),
        block("joined", &[1], Some(3), BlockKind::Category),
    ];
    let rows = shapes("{network: [{dense: 2}]}", &blocks, &["x.y", "head"]);
    assert_eq!(rows.last().unwrap().0, "head_head (dense)");
}
